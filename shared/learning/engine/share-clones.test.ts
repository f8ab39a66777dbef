import { beforeAll, describe, expect, test } from 'vitest';
import { type Engine, openEngine } from './open-engine.ts';

describe('shareClones()', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine({ prefer: ['wasm'] });
  });

  test('gives a clone the memory of its original, which lives until both are disposed', () => {
    const { tf } = engine;
    const before = tf.memory().numDataBuffers;
    const original = tf.tensor1d([1, 2, 3]);
    const clone = original.clone();
    expect(tf.memory().numDataBuffers).toBe(before + 1);
    original.dispose();
    expect([...tf.add(clone, 1).dataSync()]).toEqual([2, 3, 4]);
    clone.dispose();
    expect(() => clone.dataSync()).toThrow('disposed');
  });

  test('clones text too', () => {
    expect(engine.tf.tensor1d(['a', 'b']).clone().dataSync()).toEqual(['a', 'b']);
  });
});
