import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readLines } from './read-lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'wardround-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

async function lines(content: string | Uint8Array, mostCharacters = 1_000_000): Promise<(string | null)[]> {
  const path = join(folder, 'lines.txt');
  writeFileSync(path, content);
  return collect(readLines(path, { mostCharacters }));
}

describe('readLines()', () => {
  test.each<[string, string, string[]]>([
    ['LF', 'a\nb\n', ['a', 'b']],
    ['CRLF', 'a\r\nb\r\n', ['a', 'b']],
    ['a last line without an end', 'a\nb', ['a', 'b']],
    ['a byte order mark', '\uFEFFa\nb\n', ['a', 'b']],
    ['empty lines', 'a\n\nb\n', ['a', '', 'b']],
    ['nothing', '', []],
  ])('reads lines with %s', async (_, content, expected) => {
    expect(await lines(content)).toEqual(expected);
  });

  test('joins lines across the pieces that it reads', async () => {
    const long = Array.from({ length: 5 }, (_, index) => String(index).repeat(200_000));
    expect(await lines(long.join('\n'))).toEqual(long);
  });

  test('gives null for a line beyond the limit and goes on behind it', async () => {
    expect(await lines(`a\n${'x'.repeat(900_000)}\nb\n`, 1000)).toEqual(['a', null, 'b']);
    expect(await lines(`a\n${'x'.repeat(900_000)}`, 1000)).toEqual(['a', null]);
    expect(await lines(`a\n${'x'.repeat(1001)}\nb`, 1000)).toEqual(['a', null, 'b']);
  });

  test('ends with the reason of an abort', async () => {
    writeFileSync(join(folder, 'lines.txt'), 'a\nb\n');
    const reading = readLines(join(folder, 'lines.txt'), { mostCharacters: 10, signal: AbortSignal.abort() });
    await expect(collect(reading)).rejects.toThrow('aborted');
  });
});
