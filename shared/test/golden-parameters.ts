import { expect } from 'vitest';
import type { Engine } from '../learning/engine/open-engine.ts';
import type { ParameterTensors } from '../learning/parameters.ts';
import './all-close.ts';
import type { Golden } from './golden.ts';

/** The parameters of a reference case by their `state_dict` names. */
export function goldenParameters(engine: Engine, golden: Golden): ParameterTensors {
  return new Map(
    golden.names
      .filter((name) => name.startsWith('param.'))
      .map((name) => [name.slice('param.'.length), golden.load(engine, name)]),
  );
}

/** Expects a flat gradient in the parameters' order to agree with the reference, tensor by tensor. */
export function expectGoldenGradients(
  golden: Golden,
  { parameters, gradient }: { parameters: ParameterTensors; gradient: Float32Array },
): void {
  let offset = 0;
  for (const [name, { size }] of parameters) {
    const actual = gradient.subarray(offset, offset + size);
    expect(actual, name).toBeAllClose(golden.values(`grad.${name}`), golden.gradientTolerance);
    offset += size;
  }
  expect(offset).toBe(gradient.length);
}
