import { parseArgs } from 'node:util';
import { sessionParameters } from '@wardround/protocols/secure-aggregation/parameters.ts';
import type { CodeBits } from '@wardround/shared/bytes/code-words.ts';
import { BenchError } from '../bench-error.ts';
import type { MeasuredCase } from './measured-case.ts';

export interface SessionOptions {
  readonly json: string | null;
  /** In the order in which they are measured: all with one number of sites together. */
  readonly cases: readonly MeasuredCase[];
}

export const optionLines = [
  '  --json FILE         also writes the figures as JSON',
  '  --sites LIST        numbers of sites; 4,8,16,1000 unless given',
  '  --parameters LIST   sizes of the model; 1000000,22000000 unless given',
  '  --code-bits LIST    bits of each number that is sent; 32,16 unless given',
  '  --repeats N         measurements of each, 5 unless given; with more than 64 sites the coordinator adds up once',
];

/** @throws {BenchError} for words that are no options of this suite. */
export function readOptions(words: readonly string[]): SessionOptions {
  const text = { type: 'string' } as const;
  const known = { json: text, sites: text, parameters: text, 'code-bits': text, repeats: text };
  let values: { [Option in keyof typeof known]?: string };
  try {
    ({ values } = parseArgs({ args: [...words], options: known, strict: true, allowPositionals: false }));
  } catch (error) {
    throw new BenchError(`Cannot measure: ${(error as Error).message.split('. ')[0]}.`);
  }
  const sites = numbers('--sites', { value: values.sites ?? '4,8,16,1000', least: 3, most: 1000 });
  const sizes = { value: values.parameters ?? '1000000,22000000', least: 1, most: 200_000_000 };
  const parameters = numbers('--parameters', sizes);
  const codeBits = (values['code-bits'] ?? '32,16').split(',').map(codeBitsOf);
  const [repeats = 5] = numbers('--repeats', { value: values.repeats ?? '5', least: 1, most: 100 });
  const cases = sites.flatMap((count) =>
    codeBits.flatMap((bits) =>
      parameters.flatMap((size) =>
        dropoutsOf(count).map((dropouts) => ({
          sites: count,
          parameters: size,
          codeBits: bits,
          dropouts,
          repeats,
        })),
      ),
    ),
  );
  return { json: values.json ?? null, cases };
}

/** None, and the two that the goals speak of, or as many as the session survives. */
export function dropoutsOf(sites: number): number[] {
  return [...new Set([0, Math.min(2, sites - sessionParameters(sites).fewestSurvivors)])];
}

function codeBitsOf(word: string): CodeBits {
  if (word === '16') return 16;
  if (word === '32') return 32;
  throw new BenchError(`Cannot measure: --code-bits takes 16 and 32, found "${word}".`);
}

function numbers(
  option: string,
  { value, least, most }: { readonly value: string; readonly least: number; readonly most: number },
): number[] {
  return value.split(',').map((word) => {
    const number = Number(word);
    if (!(Number.isInteger(number) && number >= least && number <= most)) {
      throw new BenchError(`Cannot measure: ${option} takes whole numbers from ${least} to ${most}, found "${word}".`);
    }
    return number;
  });
}
