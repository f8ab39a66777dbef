import { describe, expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { createLayout } from '../../tensors/layout.ts';
import '../../test/all-close.ts';
import { openEngine } from '../engine/open-engine.ts';
import { createAdamW } from '../optimisers/adamw.ts';
import { createShardedMemory } from './sharded-adamw.ts';
import { startCollectives } from './testing/start-collectives.ts';

const size = 11;
/** The last numbers' gradient is the same for every member and counts once. */
const common = 7;
const settings = { beta1: 0.9, beta2: 0.99, weightDecay: 0.1, clipNorm: 1.5 };
const random = createRandom('sharded AdamW');
const normal = () => Float32Array.from({ length: size }, () => random.normal());
const start = normal();

/** For each step each member's gradient. */
function gradients(steps: number, members: number): Float32Array[][] {
  return Array.from({ length: steps }, () => {
    const tail = normal().subarray(common);
    return Array.from({ length: members }, () => {
      const gradient = normal();
      gradient.set(tail, common);
      return gradient;
    });
  });
}

function total(ofMembers: readonly Float32Array[]): Float32Array {
  return ofMembers[0]!.map((first, index) =>
    index < common ? ofMembers.reduce((sum, gradient) => sum + gradient[index]!, 0) : first,
  );
}

describe('openShardedAdamW()', () => {
  test.each([
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 2],
  ])('in %i members, %i of them with a gradient, steps as one AdamW on the sum', async (members, working) => {
    const steps = gradients(4, working);
    const engine = await openEngine({ prefer: ['wasm'] });
    const layout = createLayout([{ name: 'all', shape: [size, 1], initialiser: { kind: 'zeros' }, group: 'test' }]);
    const single = createAdamW(engine, layout, { ...settings, values: start });
    for (const ofMembers of steps) {
      const sum = engine.tf.tensor1d(total(ofMembers));
      single.step(sum, { learningRate: 0.1 });
      sum.dispose();
    }
    const expected = await single.read();
    single.dispose();

    const memory = createShardedMemory(start, members);
    const team = startCollectives(members, { adamW: { size, settings, memory } });
    for (const ofMembers of steps) {
      await team.run(
        Array.from({ length: members }, (_, member) => ({
          kind: 'optimise' as const,
          gradient: ofMembers[member] ?? null,
          learningRate: 0.1,
          working,
          common,
        })),
      );
    }
    team.stop();
    expect(new Float32Array(memory.parameters)).toBeAllClose(expected, { relative: 1e-5, absolute: 1e-6 });
  });
});
