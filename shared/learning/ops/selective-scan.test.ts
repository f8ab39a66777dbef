import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor, withHabits } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import type { Engine } from '../engine/open-engine.ts';
import { type SelectiveScanInputs, selectiveScan, selectiveScanWithState } from './selective-scan.ts';

interface Sizes {
  sequences: number;
  length: number;
  channels: number;
  states: number;
  groups: number;
}

function scanInputs(engine: Engine, { sequences, length, channels, states, groups }: Sizes): SelectiveScanInputs {
  const normal = <T extends Tensor>(name: string, shape: number[]) => normalTensor<T>(engine, name, shape);
  return {
    u: normal<Tensor3D>('u', [sequences, length, channels]),
    delta: normal<Tensor3D>('delta', [sequences, length, channels]),
    deltaBias: normal<Tensor1D>('deltaBias', [channels]),
    aLog: normal<Tensor2D>('aLog', [channels, states]),
    b: normal<Tensor3D>('b', [sequences, length, groups * states]),
    c: normal<Tensor3D>('c', [sequences, length, groups * states]),
    d: normal<Tensor1D>('d', [channels]),
  };
}

/** Each channel by itself, straight from the formula. */
function scanByDefinition(
  inputs: SelectiveScanInputs,
  { sequences, length, channels, states, groups }: Sizes,
): number[] {
  const [u, delta, deltaBias, aLog, b, c, d] = Object.values(inputs as unknown as Record<string, Tensor>).map(
    (tensor) => tensor.dataSync(),
  );
  const y = new Array<number>(sequences * length * channels);
  for (let sequence = 0; sequence < sequences; sequence += 1) {
    for (let channel = 0; channel < channels; channel += 1) {
      const group = Math.floor(channel / (channels / groups));
      const h = new Array<number>(states).fill(0);
      for (let t = 0; t < length; t += 1) {
        const at = (sequence * length + t) * channels + channel;
        const dt = Math.log(1 + Math.exp(delta![at]! + deltaBias![channel]!));
        y[at] = d![channel]! * u![at]!;
        for (let n = 0; n < states; n += 1) {
          const shared = (sequence * length + t) * groups * states + group * states + n;
          h[n] = Math.exp(-dt * Math.exp(aLog![channel * states + n]!)) * h[n]! + dt * b![shared]! * u![at]!;
          y[at] += c![shared]! * h[n]!;
        }
      }
    }
  }
  return y;
}

describeOnEachEngine('selectiveScan()', (engine) => {
  test.each([
    [true, { sequences: 2, length: 41, channels: 6, states: 3, groups: 2 }],
    [false, { sequences: 2, length: 41, channels: 6, states: 3, groups: 2 }],
    [true, { sequences: 1, length: 300, channels: 4, states: 1, groups: 4 }],
    [false, { sequences: 1, length: 300, channels: 4, states: 1, groups: 4 }],
  ])('gives what the definition gives (host loops: %s, %o)', (hostLoops, sizes) => {
    const inputs = scanInputs(engine(), sizes);
    const y = selectiveScan(withHabits(engine(), { hostLoops }), inputs);
    expect(y.shape).toEqual([sizes.sequences, sizes.length, sizes.channels]);
    expect(y.dataSync()).toBeAllClose(scanByDefinition(inputs, sizes), { relative: 2e-6, absolute: 0 });
  });

  test.each([true, false])('has the gradient of its differences (host loops: %s)', (hostLoops) => {
    const inputs = scanInputs(engine(), { sequences: 2, length: 5, channels: 4, states: 2, groups: 2 });
    const names = Object.keys(inputs);
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (...tensors) => {
        const named = Object.fromEntries(names.map((name, index) => [name, tensors[index]!]));
        const scanned = selectiveScanWithState(
          withHabits(engine(), { hostLoops }),
          named as unknown as SelectiveScanInputs,
        );
        return engine().tf.concat([engine().tf.reshape(scanned.y, [-1]), engine().tf.reshape(scanned.lastState, [-1])]);
      },
      inputs: Object.values(inputs as unknown as Record<string, Tensor>),
      // The scan bends more than most ops, which shows in differences a hundredth apart.
      step: 4e-3,
    });
  });

  test.each([true, false])('keeps no state of each token for the way back (host loops: %s)', (hostLoops) => {
    const { tf } = engine();
    const sizes = { sequences: 1, length: 400, channels: 8, states: 16, groups: 1 };
    const inputs = scanInputs(engine(), sizes);
    const { numBytes } = tf.memory();
    let kept = 0;
    const gradient = tf.grad((u: Tensor) => {
      const y = selectiveScan(withHabits(engine(), { hostLoops }), { ...inputs, u: u as Tensor3D });
      kept = tf.memory().numBytes - numBytes;
      return y;
    })(inputs.u);
    gradient.dispose();
    // The inputs and y are two fifths of it.
    expect(kept).toBeLessThan((sizes.length * sizes.channels * sizes.states * 4) / 2);
  });

  test('refuses shapes that do not belong together by name', () => {
    const inputs = scanInputs(engine(), { sequences: 1, length: 3, channels: 4, states: 2, groups: 2 });
    const narrow = normalTensor<Tensor3D>(engine(), 'c', [1, 3, 2]);
    expect(() => selectiveScan(engine(), { ...inputs, c: narrow })).toThrow('c must be [1,3,4], found [1,3,2]');
    expect(() => selectiveScan(engine(), { ...inputs, b: normalTensor(engine(), 'b', [1, 3, 3]) })).toThrow(TypeError);
  });
});
