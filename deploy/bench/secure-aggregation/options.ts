import { parseArgs } from 'node:util';
import { BenchError } from '../bench-error.ts';

export interface SessionOptions {
  readonly json: string | null;
  readonly sites: readonly number[];
  /** Vector lengths by number of sites: the thousand are measured on a short one unless told. */
  parametersFor(sites: number): readonly number[];
  readonly repeats: number;
}

const MANY_SITES = 65;
const FEW_PARAMETERS = [10_000];

export const optionLines = [
  '  --json FILE         also writes the figures as JSON',
  '  --sites LIST        numbers of sites; 4,8,16,1000 unless given (a thousand take minutes: each of them is played)',
  '  --parameters LIST   sizes of the model; 1000000,22000000 unless given, and 10000 for more than 64 sites',
  '  --repeats N         measurements of each; 5 unless given',
];

/** @throws {BenchError} for words that are no options of this suite. */
export function readOptions(words: readonly string[]): SessionOptions {
  const text = { type: 'string' } as const;
  let values: { json?: string; sites?: string; parameters?: string; repeats?: string };
  try {
    const known = { json: text, sites: text, parameters: text, repeats: text };
    ({ values } = parseArgs({ args: [...words], options: known, strict: true, allowPositionals: false }));
  } catch (error) {
    throw new BenchError(`Cannot measure: ${(error as Error).message.split('. ')[0]}.`);
  }
  const sites = numbers('--sites', { value: values.sites ?? '4,8,16,1000', least: 3, most: 1000 });
  const limits = { least: 1, most: 200_000_000 };
  const given =
    values.parameters === undefined ? null : numbers('--parameters', { value: values.parameters, ...limits });
  const [repeats = 5] = numbers('--repeats', { value: values.repeats ?? '5', least: 1, most: 100 });
  return {
    json: values.json ?? null,
    sites,
    parametersFor: (count) => given ?? (count < MANY_SITES ? [1_000_000, 22_000_000] : FEW_PARAMETERS),
    repeats,
  };
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
