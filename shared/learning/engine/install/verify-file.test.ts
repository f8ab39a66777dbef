import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { manifestName } from './installed-engine.ts';
import { changedFile, listFiles } from './manifest-files.ts';
import { verifyFile } from './verify-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'wardround-verify-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** FIPS 180-2, appendix B.1. */
const abc = { sizeBytes: 3, sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' };

describe('verifyFile()', () => {
  test('takes the file that was pinned and refuses another of its size, naming both hashes and no folder', async () => {
    const file = path.join(folder, 'a.whl');
    await writeFile(file, 'abc');
    await verifyFile(file, abc);
    await writeFile(file, 'abd');
    const refused = await verifyFile(file, abc).catch((error: Error) => error.message);
    expect(refused).toMatch(
      `Cannot use the downloaded file a.whl: it must have the SHA-256 ${abc.sha256}, found a52d159f`,
    );
    expect(refused).not.toContain(folder);
  });

  test('refuses another size without reading it', async () => {
    const file = path.join(folder, 'a.whl');
    await writeFile(file, 'abcd');
    await expect(verifyFile(file, abc)).rejects.toThrow('it must have 3 bytes, found 4');
  });
});

describe('changedFile()', () => {
  test('names the file that changed or went away since the manifest was written', async () => {
    await writeFile(path.join(folder, 'library.so'), 'abc');
    const files = await listFiles(folder);
    expect(files).toEqual([{ name: 'library.so', ...abc }]);
    await writeFile(path.join(folder, manifestName), JSON.stringify({ files }));
    expect(await changedFile(folder)).toBeNull();
    await writeFile(path.join(folder, 'library.so'), 'abd');
    expect(await changedFile(folder)).toBe('library.so');
    await rm(path.join(folder, 'library.so'));
    expect(await changedFile(folder)).toBe('library.so');
  });
});
