/** The reference values beside the project, in `../shared/golden`: made with PyTorch, timm, transformers and scikit-learn. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeSafetensors } from '../../tensors/safetensors.ts';
import type { Tolerance } from '../all-close.ts';
import type { GoldenCase, GoldenTensor } from './program.ts';

/** A case with the names of its file and the tolerances that its README advises. */
export interface StoredGoldenCase extends GoldenCase {
  readonly file: string;
  readonly scalar: NonNullable<GoldenCase['scalar']> & { readonly atol: number };
  readonly tolerance: Readonly<Record<'output' | 'grad', { readonly rtol: number; readonly atol: number }>>;
}

const folder = path.resolve(import.meta.dirname, '../../../../shared/golden');

/** All cases, or none where the values are not beside the project; that is said once. */
export function goldenCases(): readonly StoredGoldenCase[] {
  const list = path.join(folder, 'cases.json');
  if (!existsSync(list)) {
    console.info('Tests against reference values are skipped: there is no ../shared/golden beside the project.');
    return [];
  }
  return (JSON.parse(readFileSync(list, 'utf8')) as { cases: StoredGoldenCase[] }).cases;
}

export function goldenTensors({ file }: StoredGoldenCase): ReadonlyMap<string, GoldenTensor> {
  return decodeSafetensors(readFileSync(path.join(folder, file))).tensors;
}

/** What a tensor of the case may differ by, by its full name; null where whole numbers must agree exactly. */
export function toleranceOf({ tolerance, scalar }: StoredGoldenCase, name: string): Tolerance {
  if (name === 'scalar') return { relative: 0, absolute: scalar.atol };
  const { rtol, atol } = name.startsWith('grad.') ? tolerance.grad : tolerance.output;
  return { relative: rtol, absolute: atol };
}
