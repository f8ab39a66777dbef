/**
 * Reference values made with PyTorch, timm and scikit-learn, kept beside the project in `../shared/golden`. A test that
 * uses them is skipped, and says so, where they are absent.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Tensor } from '@tensorflow/tfjs-core';
import { test } from 'vitest';
import type { Engine } from '../learning/engine/open-engine.ts';
import { decodeSafetensors } from '../tensors/safetensors.ts';
import type { Tolerance } from './all-close.ts';

export { runGoldenCase } from './golden/run-golden-case.ts';

export interface Golden {
  /** The settings the values were made with. */
  readonly config: Record<string, unknown>;
  readonly names: readonly string[];
  /** The numbers of a tensor by its full name, for example `param.fc1.weight`. */
  values(name: string): Float32Array | Int32Array;
  shape(name: string): number[];
  /** The same as a float32 tensor on an engine. */
  load<T extends Tensor = Tensor>(engine: Engine, name: string): T;
  readonly outputTolerance: Tolerance;
  readonly gradientTolerance: Tolerance;
}

const folder = path.resolve(import.meta.dirname, '../../../shared/golden');
const present = existsSync(path.join(folder, 'cases.json'));
if (!present)
  console.info(`Tests against reference values are skipped: there is no ../shared/golden beside the project.`);

/** A test that receives the reference values of one case. */
export function goldenTest(caseName: string, title: string, run: (golden: Golden) => void | Promise<void>): void {
  test.skipIf(!present)(`${title} (${caseName})`, () => run(readGolden(caseName)));
}

interface CaseEntry {
  name: string;
  file: string;
  config: Record<string, unknown>;
  tolerance: Record<'output' | 'grad', { rtol: number; atol: number } | undefined>;
}

function readGolden(caseName: string): Golden {
  const { cases } = JSON.parse(readFileSync(path.join(folder, 'cases.json'), 'utf8')) as { cases: CaseEntry[] };
  const entry = cases.find(({ name }) => name === caseName);
  if (entry === undefined) throw new RangeError(`Cannot find the reference case "${caseName}"`);
  const { tensors } = decodeSafetensors(readFileSync(path.join(folder, entry.file)));
  const tolerance = (kind: 'output' | 'grad') => ({
    relative: entry.tolerance[kind]?.rtol ?? 0,
    absolute: entry.tolerance[kind]?.atol ?? 0,
  });
  const find = (name: string) => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new RangeError(`Cannot find "${name}" in the reference case "${caseName}"`);
    return tensor;
  };
  const values = (name: string) => {
    const { data } = find(name);
    if (data instanceof BigInt64Array) throw new TypeError(`Cannot compare "${name}": it holds 64-bit integers`);
    return data;
  };
  return {
    config: entry.config,
    names: [...tensors.keys()],
    values,
    shape: (name) => [...find(name).shape],
    load: <T extends Tensor>({ tf }: Engine, name: string) =>
      tf.tensor(values(name).slice(), [...find(name).shape], 'float32') as T,
    outputTolerance: tolerance('output'),
    gradientTolerance: tolerance('grad'),
  };
}
