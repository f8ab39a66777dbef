import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { BenchError } from '../bench-error.ts';

export const PARTS = ['a', 'b', 'c', 'd'] as const;
export type Part = (typeof PARTS)[number];

export interface RoundsOptions {
  readonly json: string | null;
  readonly parts: readonly Part[];
  /** In place of each part's own; null for those. */
  readonly parameters: number | null;
  readonly rounds: number | null;
  readonly codeBits: 16 | 32;
  readonly quick: boolean;
  readonly scratch: string;
  readonly profile: string | null;
}

export const optionLines = [
  '  --json FILE       also writes the figures as JSON',
  '  --only LIST       a: 3.2 GB and six sites; b: 88 MB and four sites beside plain HTTP; c: a thousand connected sites;',
  '                    d: memory for 1, 4 and 16 sites and 88 MB, 800 MB, 3.2 GB. All unless given',
  '  --parameters N    another size of the models, for what the disk holds',
  '  --rounds N        rounds measured of each; 5 of b, 2 of a, 1 of d unless given',
  '  --code-bits 16    updates in 16-bit numbers; 32 unless given',
  '  --scratch FOLDER  where everything lies while it runs; the system’s temporary folder unless given',
  '  --profile FOLDER  a profile of each process’s main thread',
  '  --quick           tiny models and few sites: whether it runs, not how fast',
];

/** @throws {BenchError} for words that are no options of this suite. */
export function readOptions(words: readonly string[]): RoundsOptions {
  const text = { type: 'string' } as const;
  const known = {
    ...{ json: text, only: text, parameters: text, rounds: text, scratch: text, profile: text, 'code-bits': text },
    quick: { type: 'boolean' },
  } as const;
  let values: ReturnType<typeof parseArgs<{ options: typeof known }>>['values'];
  try {
    ({ values } = parseArgs({ args: [...words], options: known, strict: true, allowPositionals: false }));
  } catch (error) {
    throw new BenchError(`Cannot measure: ${(error as Error).message.split('. ')[0]}.`);
  }
  const parts = (values.only ?? PARTS.join(',')).split(',').map((part) => {
    const found = PARTS.find((name) => name === part);
    if (found === undefined) throw new BenchError(`Cannot measure: --only takes ${PARTS.join(', ')}, found "${part}".`);
    return found;
  });
  const codeBits = values['code-bits'] ?? '32';
  if (codeBits !== '16' && codeBits !== '32') {
    throw new BenchError(`Cannot measure: --code-bits takes 16 or 32, found "${codeBits}".`);
  }
  return {
    json: values.json ?? null,
    parts,
    parameters: wholeNumber('--parameters', { value: values.parameters, most: 2_000_000_000 }),
    rounds: wholeNumber('--rounds', { value: values.rounds, most: 1000 }),
    codeBits: codeBits === '16' ? 16 : 32,
    quick: values.quick ?? false,
    scratch: values.scratch ?? tmpdir(),
    profile: values.profile ?? null,
  };
}

function wholeNumber(
  option: string,
  { value, most }: { readonly value: string | undefined; readonly most: number },
): number | null {
  if (value === undefined) return null;
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw new BenchError(`Cannot measure: ${option} takes whole numbers from 1 to ${most}, found "${value}".`);
}
