import type { Tensor } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine } from '../../test/each-engine.ts';
import { readInto } from './read-into.ts';

describeOnEachEngine('readInto()', (engine) => {
  test('copies given and computed numbers to where they belong, in shared memory too', () => {
    const { tf } = engine();
    const given: Tensor = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    const computed = tf.add(given, 1);
    const shared = new Float32Array(new SharedArrayBuffer(48), 8, 6);
    readInto(engine(), given, shared);
    expect([...shared]).toEqual([1, 2, 3, 4, 5, 6]);
    readInto(engine(), computed, shared);
    expect([...shared]).toEqual([2, 3, 4, 5, 6, 7]);
    expect([...new Float32Array(shared.buffer, 0, 2)]).toEqual([0, 0]);
    expect([...given.dataSync()]).toEqual([1, 2, 3, 4, 5, 6]);
    tf.dispose([given, computed]);
  });

  test('refuses room of another size', () => {
    const tensor = engine().tf.tensor1d([1, 2]);
    expect(() => readInto(engine(), tensor, new Float32Array(3))).toThrow('it has 2 numbers, found room for 3');
    tensor.dispose();
  });
});
