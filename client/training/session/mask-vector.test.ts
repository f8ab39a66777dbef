import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CANARY, canaryWords } from '@wardround/protocols/secure-aggregation/canary.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { addMasks } from '@wardround/shared/crypto/mask-generator.ts';
import { open, sealedLength } from '@wardround/shared/crypto/sealed-envelope.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { maskVector } from './mask-vector.ts';

const coordinator = generateIdentity();
const { sealingKey } = publicKeys(coordinator);
const instructions = [3, 5, 8].map((byte, index) => ({
  key: new Uint8Array(32).fill(byte),
  sign: index === 1 ? (-1 as const) : (1 as const),
}));
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wardround-mask-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function taskOf(vector: Uint8Array) {
  const vectorFile = join(folder, 'vector');
  await writeFile(vectorFile, vector);
  const sealing = { recipientSealingKey: sealingKey, context: 'round 1' };
  return { kind: 'mask', vectorFile, instructions, sealing, outbox: join(folder, 'outbox') } as const;
}

describe('maskVector()', () => {
  test.each([
    1001,
    2 ** 18 - 1,
    2 ** 18,
    5 * 2 ** 18 + 77,
  ])('seals the vector of %i words and its canary, masked, under the hashes of both; the vector stays', async (words) => {
    const vector = Int32Array.from({ length: words }, (_, word) => Math.imul(word, 0x9e37_79b1));
    const expected = Int32Array.from([...vector, CANARY]);
    addMasks(expected, instructions);
    const task = await taskOf(littleEndianBytes(vector));
    const masked = await maskVector(task);
    const sealed = await readFile(masked.blob.file);
    expect(masked.blob.file).toBe(join(folder, 'outbox', masked.blob.hash));
    expect(sha256Hex(sealed)).toBe(masked.blob.hash);
    expect([masked.bytes, sealed.length]).toEqual([sealed.length, sealedLength(4 * words + 4)]);
    expect(masked.maskedInput).toBe(sha256Hex(littleEndianBytes(expected)));
    const opened = open(sealed, { identity: coordinator, context: 'round 1' });
    expect(Buffer.compare(opened, littleEndianBytes(expected))).toBe(0);
    expect(await readdir(task.outbox)).toEqual([masked.blob.hash]);
    expect((await stat(masked.blob.file)).mode & 0o077).toBe(0);
    expect((await readFile(task.vectorFile)).equals(littleEndianBytes(vector))).toBe(true);
  });

  test('masks a vector of 16-bit words with its longer canary', async () => {
    const words = 2 ** 18 + 77;
    const vector = Int16Array.from({ length: words }, (_, word) => Math.imul(word, 0x9e37_79b1) >> 16);
    const expected = new Int16Array(words + canaryWords(16)).fill(CANARY);
    expected.set(vector);
    addMasks(expected, instructions);
    const masked = await maskVector({ ...(await taskOf(littleEndianBytes(vector))), codeBits: 16 });
    expect(masked.maskedInput).toBe(sha256Hex(littleEndianBytes(expected)));
    const opened = open(await readFile(masked.blob.file), { identity: coordinator, context: 'round 1' });
    expect(Buffer.compare(opened, littleEndianBytes(expected))).toBe(0);
    const odd = { ...(await taskOf(new Uint8Array(11))), codeBits: 16 } as const;
    await expect(maskVector(odd)).rejects.toThrow('needed whole 16-bit numbers');
  });

  test('leaves nothing in the outbox when it is stopped, or the vector is not one', async () => {
    const task = await taskOf(new Uint8Array(8 * 2 ** 20));
    await mkdir(task.outbox);
    await expect(maskVector(task, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    await expect(maskVector(await taskOf(new Uint8Array(10)))).rejects.toThrow('needed whole 32-bit numbers');
    expect(await readdir(task.outbox)).toEqual([]);
  });
});
