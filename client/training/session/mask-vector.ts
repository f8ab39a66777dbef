/** Masks a trained vector and seals it for the coordinator; the vector's own file stays as it is. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { CANARY, CANARY_WORDS } from '@wardround/protocols/secure-aggregation/canary.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import type { Mask } from '@wardround/shared/crypto/mask-generator.ts';
import { type MaskingThreads, openMaskingThreads } from '@wardround/shared/crypto/mask-in-threads.ts';
import { sealSegments } from '@wardround/shared/crypto/sealed-envelope.ts';
import { syncFolder } from '@wardround/shared/files/sync-folder.ts';
import { writeFileAtomically } from '../../state/atomic-file.ts';
import type { Masked, MaskTask } from '../worker-messages.ts';

/** Kept between rounds: they start with the first vector that is worth it. */
const maskingThreads = openMaskingThreads();

/** The vector is in memory once, masked where it lies; what is sealed is written segment by segment. */
export async function maskVector({ vectorFile, instructions, sealing, outbox }: MaskTask): Promise<Masked> {
  const vector = await readVector(vectorFile);
  const maskedInput = await maskInPlace(vector, { instructions, threads: maskingThreads });
  await mkdir(outbox, { recursive: true, mode: 0o700 });
  const partial = join(outbox, `.${randomUUID()}.tmp`);
  const sealedHash = createHash('sha256');
  let bytes = 0;
  const segments = function* () {
    for (const segment of sealSegments(littleEndianBytes(vector), sealing)) {
      sealedHash.update(segment);
      bytes += segment.length;
      yield segment;
      // Written by now. Left to the collector, as much would wait as the whole vector takes.
      if (segment.buffer.byteLength === segment.length) (segment.buffer as ArrayBuffer).transfer(0);
    }
  };
  await writeFileAtomically(partial, segments());
  const hash = sealedHash.digest('hex') as Sha256Hex;
  const file = join(outbox, hash);
  await rename(partial, file);
  await syncFolder(outbox);
  return { blob: { hash, file }, bytes, maskedInput };
}

/** The file's numbers, followed by the canary. */
export async function readVector(file: string): Promise<Int32Array<SharedArrayBuffer>> {
  await using handle = await open(file, 'r');
  const { size } = await handle.stat();
  if (size % 4 !== 0) throw new RangeError(`Cannot mask the vector: needed whole 32-bit numbers, found ${size} bytes`);
  const vector = new Int32Array(new SharedArrayBuffer(size + 4 * CANARY_WORDS)).fill(CANARY, size / 4);
  const bytes = littleEndianBytes(vector);
  for (let position = 0; position < size; ) {
    const { bytesRead } = await handle.read(bytes, position, size - position, position);
    if (bytesRead === 0) throw new RangeError('Cannot mask the vector: its file became shorter');
    position += bytesRead;
  }
  return vector;
}

/** @returns the SHA-256 of the masked vector's bytes. */
export async function maskInPlace(
  vector: Int32Array<SharedArrayBuffer>,
  { instructions, threads }: { readonly instructions: readonly Mask[]; readonly threads: MaskingThreads },
): Promise<Sha256Hex> {
  const hash = createHash('sha256');
  await threads.addMasks(vector, instructions, { onPiece: (piece) => hash.update(littleEndianBytes(piece)) });
  return hash.digest('hex') as Sha256Hex;
}
