import { parseArgs } from 'node:util';
import { type EngineKind, engineKinds } from '@wardround/shared/learning/engine/open-engine.ts';
import { BenchError } from '../bench-error.ts';
import { type BenchModel, benchModels } from './work.ts';

export interface LearningOptions {
  readonly json: string | null;
  readonly engines: readonly EngineKind[];
  readonly models: readonly BenchModel[];
  readonly blockSeconds: number;
}

/** Plain JavaScript takes minutes a step, so it is measured only when it is named. */
const defaultEngines = engineKinds.filter((kind) => kind !== 'plain');
const modelNames = Object.keys(benchModels) as BenchModel[];

export const optionLines = [
  '  --json FILE       also writes the figures as JSON',
  `  --engines LIST    of ${engineKinds.join(', ')}; all that are usable but plain unless given`,
  `  --models LIST     of ${modelNames.join(', ')}; all unless given`,
  '  --seconds N       length of each of the measured blocks; 5 unless given',
];

/** @throws {BenchError} for words that are no options of this suite. */
export function readOptions(words: readonly string[]): LearningOptions {
  const text = { type: 'string' } as const;
  let values: { json?: string; engines?: string; models?: string; seconds?: string };
  try {
    const known = { json: text, engines: text, models: text, seconds: text };
    ({ values } = parseArgs({ args: [...words], options: known, strict: true, allowPositionals: false }));
  } catch (error) {
    throw new BenchError(`Cannot measure: ${(error as Error).message.split('. ')[0]}.`);
  }
  const blockSeconds = Number(values.seconds ?? 5);
  if (!(blockSeconds > 0 && blockSeconds <= 600)) {
    throw new BenchError(`Cannot measure: --seconds must be above 0 and at most 600, found "${values.seconds}".`);
  }
  return {
    json: values.json ?? null,
    engines: chosen('--engines', { value: values.engines, known: engineKinds }) ?? defaultEngines,
    models: chosen('--models', { value: values.models, known: modelNames }) ?? modelNames,
    blockSeconds,
  };
}

function chosen<T extends string>(
  option: string,
  { value, known }: { readonly value: string | undefined; readonly known: readonly T[] },
): T[] | null {
  if (value === undefined) return null;
  return value.split(',').map((name) => {
    const found = known.find((candidate) => candidate === name.trim());
    if (found === undefined) {
      throw new BenchError(`Cannot measure: ${option} takes ${known.join(', ')}, found "${name}".`);
    }
    return found;
  });
}
