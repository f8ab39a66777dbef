import { expect, test } from 'vitest';
import { createLayout } from '../../tensors/layout.ts';
import { describeOnEachEngine } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { parameter } from '../parameters.ts';
import { cosineMomentum, createMomentumEncoder } from './momentum-encoder.ts';

const layout = createLayout([{ name: 'weight', shape: [1, 2], initialiser: { kind: 'zeros' }, group: 'all' }]);

describeOnEachEngine('createMomentumEncoder()', (engine) => {
  test('follows the beginning of the query’s vector, and frees what it held', async () => {
    const { tf } = engine();
    const before = tf.memory().numTensors;
    const encoder = createMomentumEncoder(engine(), layout, { values: Float32Array.of(0, 8) });
    const held = tf.memory().numTensors;
    const query = tf.tensor1d([4, 0, 100]);
    encoder.follow(query, 0.75);
    encoder.follow(query, 0.75);
    query.dispose();
    expect(await encoder.read()).toBeAllClose([1.75, 4.5], { relative: 1e-6, absolute: 0 });
    expect(parameter(encoder.parameters(), 'weight').shape).toEqual([1, 2]);
    expect(tf.memory().numTensors).toBe(held);
    encoder.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('cosineMomentum() rises from its start to 1', () => {
  expect(cosineMomentum(0, { start: 0.9 })).toBeCloseTo(0.9, 12);
  expect(cosineMomentum(0.5, { start: 0.9 })).toBeCloseTo(0.95, 12);
  expect(cosineMomentum(1, { start: 0.9 })).toBe(1);
});
