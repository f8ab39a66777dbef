/** The table of the sixty faults (README.md): no number is missing, and what it names is there and names the number. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../../..');
const page = readFileSync(path.join(import.meta.dirname, 'README.md'), 'utf8');

interface Row {
  readonly first: number;
  readonly last: number;
  /** The test of the fault first, then those that add to it. */
  readonly files: readonly string[];
  /** The last column as it stands. */
  readonly tests: string;
}

const rows: readonly Row[] = page.split('\n').flatMap((line) => {
  const [, numbers = '', , , tests = ''] = line.split('|').map((cell) => cell.trim());
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(numbers) ?? [];
  if (first === undefined) return [];
  const files = [...tests.matchAll(/`([^`]+\.test\.ts)`/g)].map(([, file]) => file!);
  return [{ first: Number(first), last: Number(last), files, tests }];
});

/** The numbers that a test file says it is of, such as `Fault 37`, `Faults 43 and 44` or `Faults 1 to 9`. */
function numbersIn(file: string): Set<number> {
  const found = new Set<number>();
  const source = readFileSync(path.join(root, file), 'utf8');
  for (const [, first, between, last = first] of source.matchAll(/\bfaults? (\d+)(?:( to | and )(\d+))?/gi)) {
    if (between !== ' to ') found.add(Number(first)).add(Number(last));
    else for (let number = Number(first); number <= Number(last); number += 1) found.add(number);
  }
  return found;
}

describe('the table of faults', () => {
  test('has each of the sixty numbers once, in order', () => {
    const numbers = rows.flatMap(({ first, last }) =>
      Array.from({ length: last - first + 1 }, (_, index) => first + index),
    );
    expect(numbers).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
  });

  test.each(rows)('names a test for $first to $last, or says why there is none', ({ first, last, files, tests }) => {
    if (files.length === 0) {
      expect(tests).toMatch(/^(Cannot apply|Not yet): .{20,}\.$/);
      return;
    }
    for (const file of files) expect(existsSync(path.join(root, file)), file).toBe(true);
    const named = numbersIn(files[0]!);
    for (let number = first; number <= last; number += 1) expect([...named], files[0]).toContain(number);
  });
});
