import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readAt, readInto, readIntoNow } from './read-at.ts';

describe.each([
  ['readInto()', readInto],
  ['readIntoNow()', async (...given: Parameters<typeof readIntoNow>) => readIntoNow(...given)],
])('%s', (_, read) => {
  test('fills the target from the position on, and refuses to fill it where the file ends before', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wardround-read-'));
    try {
      const path = join(folder, 'file');
      await writeFile(path, Uint8Array.of(1, 2, 3, 4, 5));
      await using file = await open(path);
      const target = new Uint8Array(3);
      await read(file, { position: 2, target });
      expect([...target]).toEqual([3, 4, 5]);
      expect([...(await readAt(file, { position: 2, bytes: 3 }))]).toEqual([3, 4, 5]);
      await expect(read(file, { position: 3, target })).rejects.toThrow(
        'Cannot read on: the file ends at byte 5, where 1 more were expected',
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
