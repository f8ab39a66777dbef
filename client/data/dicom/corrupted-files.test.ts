/** Damaged files of every kind go through the real worker threads: each gives slices or a reason, and no worker is lost. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom, type SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { QUARANTINE_REASONS } from '../quarantine/reasons.ts';
import { createDecodePool, type DecodePool } from '../workers/decode-pool.ts';
import { mapConcurrently } from '../workers/map-concurrently.ts';
import { ctSlice, discPattern, SYNTAX } from './test-support/ct-slice.ts';
import { encodeJpegLossless } from './test-support/encode-jpeg-lossless.ts';
import { encodeRle } from './test-support/encode-rle.ts';
import { encodeWithCodec } from './test-support/encode-with-codec.ts';

const FILES_PER_SYNTAX = 60;
const size = 64;
const pixels = discPattern(size).map((value) => value + 1024);
const bits = { rows: size, columns: size } as const;

const folder = mkdtempSync(join(tmpdir(), 'wardround-test-'));
let pool: DecodePool;
beforeAll(() => {
  pool = createDecodePool({ key: 'test', workers: 2, timeoutMillis: 10_000 });
});
afterAll(async () => {
  await pool.close();
  rmSync(folder, { recursive: true });
});

async function validFile(name: keyof typeof SYNTAX): Promise<Uint8Array> {
  const transferSyntax = SYNTAX[name];
  const one = (fragment: Uint8Array) =>
    ctSlice({ transferSyntax, sizePixels: size, encapsulated: { fragments: [fragment] } });
  switch (name) {
    case 'rle':
      return one(encodeRle(pixels));
    case 'jpegLossless':
      return one(encodeJpegLossless(pixels, { ...bits, precision: 16 }));
    case 'jpegLs':
      return one(await encodeWithCodec(pixels, { encoding: 'jpeg-ls', ...bits }));
    case 'jpeg2000':
      return one(await encodeWithCodec(pixels, { encoding: 'jpeg-2000', ...bits }));
    case 'jpegBaseline': {
      const grey = Uint8Array.from(pixels, (value) => value >> 3);
      const fragment = await encodeWithCodec(grey, { encoding: 'jpeg', ...bits });
      return ctSlice({ transferSyntax, sizePixels: size, pixels: grey, encapsulated: { fragments: [fragment] } });
    }
    default:
      return ctSlice({ transferSyntax, sizePixels: size, pixels });
  }
}

/** One kind of damage, half of the time in the header. */
function damage(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const reach = random.next() < 0.5 ? Math.min(bytes.length, 900) : bytes.length;
  const at = 128 + random.int(reach - 128);
  const length = 1 + random.int(40);
  const noise = Uint8Array.from({ length }, () => random.int(256));
  switch (random.int(6)) {
    case 0:
      return bytes.slice(0, at);
    case 1:
      return Uint8Array.from([...bytes.subarray(0, at), ...noise, ...bytes.subarray(at)]);
    case 2:
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + length)]);
    case 3:
      return bytes.slice().fill(random.next() < 0.5 ? 0xff : 0, at, at + length);
    case 4: {
      const changed = bytes.slice();
      changed.set(noise.subarray(0, bytes.length - at), at);
      return changed;
    }
    default: {
      const changed = bytes.slice();
      for (let flips = 1 + random.int(8); flips > 0; flips -= 1)
        changed[128 + random.int(reach - 128)]! ^= 1 << random.int(8);
      return changed;
    }
  }
}

const window = { kind: 'own-range', low: 0, high: 2000 } as const;

/** The reason, or `slices`. */
async function outcome(path: string): Promise<string> {
  const found = await pool.run({ kind: 'header', path });
  if (found.kind !== 'header') return found.kind === 'unusable' ? found.reason : found.kind;
  const { header } = found;
  const answer = await pool.run({ kind: 'slices', path, header, frames: [0], sizePixels: 32, window });
  if (answer.kind === 'slices') expect(answer.levels).toHaveLength(32 * 32);
  return answer.kind === 'unusable' ? answer.reason : answer.kind;
}

describe('decode workers with damaged files', () => {
  test.each(Object.keys(SYNTAX) as (keyof typeof SYNTAX)[])('give slices or a reason for damaged %s', async (name) => {
    const random = createRandom(`damaged ${name}`);
    const valid = await validFile(name);
    const paths = Array.from({ length: FILES_PER_SYNTAX }, (_, index) => {
      const path = join(folder, `${name}-${index}.dcm`);
      writeFileSync(path, damage(valid, random));
      return path;
    });
    const outcomes = await mapConcurrently(paths, { limit: pool.concurrency, work: outcome });
    const unknown = outcomes.filter(
      (one) => one !== 'slices' && !(QUARANTINE_REASONS as readonly string[]).includes(one),
    );
    expect(unknown).toEqual([]);
    expect(outcomes).not.toContain('decoder-crashed');
    expect(outcomes).not.toContain('decoder-timed-out');
    // Damage that changes nothing that is read leaves slices; most does not.
    expect(outcomes.filter((one) => one !== 'slices').length).toBeGreaterThan(FILES_PER_SYNTAX / 4);

    const path = join(folder, `${name}-whole.dcm`);
    writeFileSync(path, valid);
    expect(await outcome(path)).toBe('slices');
  });
});
