import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadSlices, saveSlices, sliceCachePath, sliceName } from './slice-cache.ts';

const directory = join(mkdtempSync(join(tmpdir(), 'wardround-test-')), 'cache');
afterAll(() => rmSync(directory, { recursive: true }));

const identity = {
  relativePath: 'MARIA-MUSTER/1.dcm',
  sizeBytes: 10,
  modifiedMillis: 5,
  frame: 0,
  window: 'hounsfield',
};
const names = [0, 1, 2].map((frame) => sliceName({ ...identity, frame }));
const slices = { sizePixels: 16, names, levels: Uint8Array.from({ length: 3 * 256 }, (_, index) => index % 251) };

async function saved(name: string): Promise<string> {
  const path = join(directory, name);
  await saveSlices(path, { directory, slices });
  return path;
}

describe('saveSlices() and loadSlices()', () => {
  test('give back what was saved', async () => {
    expect(await loadSlices(await saved('a'), { sizePixels: 16 })).toEqual(slices);
  });

  test('replace a file of before and leave no other behind', async () => {
    await saved('b');
    await saved('b');
    expect(readdirSync(directory).filter((name) => name.includes('b'))).toEqual(['b']);
  });

  test('keep patients from the file and others from reading it', async () => {
    const path = await saved('c');
    expect(readFileSync(path).includes('MUSTER')).toBe(false);
    if (process.platform !== 'win32') expect(statSync(path).mode & 0o077).toBe(0);
  });

  test.each([
    ['a changed pixel', (bytes: Uint8Array) => (bytes[bytes.length - 100]! ^= 1)],
    ['a changed index', (bytes: Uint8Array) => (bytes[20]! ^= 1)],
    ['a changed length', (bytes: Uint8Array) => (bytes[8]! ^= 1)],
    ['another format', (bytes: Uint8Array) => (bytes[7]! ^= 3)],
  ])('take %s for no cache', async (_, damage) => {
    const path = await saved('d');
    const bytes = readFileSync(path);
    damage(bytes);
    writeFileSync(path, bytes);
    expect(await loadSlices(path, { sizePixels: 16 })).toBeNull();
  });

  test('take a cut file, no file and another size for no cache', async () => {
    const path = await saved('e');
    expect(await loadSlices(path, { sizePixels: 32 })).toBeNull();
    const bytes = readFileSync(path);
    for (const length of [0, 5, 11, 40, bytes.length - 1]) {
      writeFileSync(path, bytes.subarray(0, length));
      expect(await loadSlices(path, { sizePixels: 16 })).toBeNull();
    }
    expect(await loadSlices(join(directory, 'nothing'), { sizePixels: 16 })).toBeNull();
  });
});

describe('sliceName()', () => {
  test('changes with everything that changes the slice', () => {
    const changed = [
      identity,
      { ...identity, relativePath: 'x/1.dcm' },
      { ...identity, sizeBytes: 11 },
      { ...identity, modifiedMillis: 6 },
      { ...identity, frame: 1 },
      { ...identity, window: 'own' },
    ].map(sliceName);
    expect(new Set(changed).size).toBe(changed.length);
  });
});

describe('sliceCachePath()', () => {
  test('differs between imaging settings', () => {
    const path = (low: number) => sliceCachePath('/c', { sizePixels: 64, windowHounsfield: { low, high: 400 } });
    expect(path(-1000)).toBe(path(-1000));
    expect(path(-1000)).not.toBe(path(-900));
  });
});
