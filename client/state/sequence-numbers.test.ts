import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSequenceNumbers } from './sequence-numbers.ts';
import { DamagedStateError } from './state-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sequence-'));
});
afterEach(() => rm(folder, { recursive: true }));

const take = (count: number, from = openSequenceNumbers(folder)) => Array.from({ length: count }, () => from.next());

describe('openSequenceNumbers()', () => {
  test('counts up and gives no number twice, also not when opened again without an end', () => {
    const first = take(300);
    const second = take(5);
    expect(first).toEqual([...first].sort((a, b) => a - b));
    expect(Math.min(...second)).toBeGreaterThan(Math.max(...first));
  });

  test('gives two programs different numbers that fit into one window', () => {
    const programs = [openSequenceNumbers(folder), openSequenceNumbers(folder)] as const;
    const taken = Array.from({ length: 600 }, (_, index) => programs[index % 2]!.next());
    expect(new Set(taken).size).toBe(taken.length);
    taken.forEach((number, index) => {
      expect(Math.max(...taken.slice(0, index + 1)) - number).toBeLessThan(1024);
    });
  });

  test('goes on where the coordinator says, once, and says whether the folder was behind', async () => {
    const old = await readFile(join(folder, 'sequence.sqlite')).catch(() => null);
    expect(old).toBeNull();
    take(1);
    const backup = await readFile(join(folder, 'sequence.sqlite'));
    take(500);
    await writeFile(join(folder, 'sequence.sqlite'), backup);
    const restored = openSequenceNumbers(folder);
    expect(restored.next()).toBeLessThan(500);
    expect(restored.goOnFrom(900)).toBe(true);
    expect(restored.goOnFrom(900)).toBe(false);
    expect(take(2, restored)).toEqual([900, 901]);
    expect(restored.goOnFrom(902)).toBe(false);
    expect(restored.next()).toBe(902);
    // Only another program was ahead: nothing was put back.
    const idle = openSequenceNumbers(folder);
    idle.next();
    const [other = 0] = take(1);
    expect(idle.goOnFrom(other + 1)).toBe(false);
    expect(idle.next()).toBeGreaterThan(other);
  });

  test('says what to do with a damaged file', async () => {
    await writeFile(join(folder, 'sequence.sqlite'), 'x'.repeat(4096));
    expect(() => openSequenceNumbers(folder).next()).toThrow(DamagedStateError);
    expect(() => openSequenceNumbers(folder).next()).toThrow(/remove it/);
  });
});
