/**
 * Masks a trained vector and seals it for the coordinator; the vector's own file stays as it is. It passes through piece by
 * piece (threads read and mask, this one hashes, seals and writes), so that memory does not grow with the model.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { CANARY, canaryWords } from '@wardround/protocols/secure-aggregation/canary.ts';
import type { CodeBits } from '@wardround/shared/bytes/code-words.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { releaseMemory } from '@wardround/shared/bytes/release-memory.ts';
import type { Mask } from '@wardround/shared/crypto/mask-generator.ts';
import { type MaskingThreads, openMaskingThreads } from '@wardround/shared/crypto/mask-in-threads.ts';
import { openSealer } from '@wardround/shared/crypto/sealed-envelope.ts';
import { createGrowingFile } from '../../state/growing-file.ts';
import type { Masked, MaskTask } from '../worker-messages.ts';

/** Kept between rounds: they start with the first vector that is worth it. */
const maskingThreads = openMaskingThreads();

/** @throws the signal's reason, with nothing left in the outbox. */
export async function maskVector(
  { vectorFile, codeBits = 32, instructions, sealing, outbox }: MaskTask,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Masked> {
  const sealedHash = createHash('sha256');
  let bytes = 0;
  await using sealed = await createGrowingFile(outbox);
  /** Being written; given back when it is. Left to the collector, as much would wait as the whole vector takes. */
  let written: readonly Uint8Array[] = [];
  const append = async (...pieces: readonly Uint8Array[]) => {
    for (const piece of pieces) {
      sealedHash.update(piece);
      bytes += piece.length;
    }
    await sealed.write(...pieces);
    for (const piece of written) releaseMemory(piece);
    written = pieces;
  };
  const sealer = openSealer((codeBits / 8) * (await vectorWords(vectorFile, codeBits)), sealing);
  await append(sealer.header);
  const maskedInput = await maskAndHash(vectorFile, {
    codeBits,
    instructions,
    threads: maskingThreads,
    signal,
    onPiece: (piece) => append(...sealer.seal(piece)),
  });
  const hash = sealedHash.digest('hex') as Sha256Hex;
  return { blob: { hash, file: await sealed.keepAs(hash, { isRepeatable: true }) }, bytes, maskedInput };
}

/** How many numbers the masked vector has: the file's, followed by the canary. */
async function vectorWords(file: string, codeBits: CodeBits): Promise<number> {
  await using handle = await open(file, 'r');
  const { size } = await handle.stat();
  if ((8 * size) % codeBits !== 0) {
    throw new RangeError(`Cannot mask the vector: needed whole ${codeBits}-bit numbers, found ${size} bytes`);
  }
  return (8 * size) / codeBits + canaryWords(codeBits);
}

/**
 * @param options `onPiece` sees the masked bytes, 1 MiB at a time, in memory that is used again when it has settled.
 * @returns the SHA-256 of the masked vector's bytes.
 */
export async function maskAndHash(
  file: string,
  options: {
    /** Of the file's words; 32 where left out. */
    readonly codeBits?: CodeBits | undefined;
    readonly instructions: readonly Mask[];
    readonly threads: MaskingThreads;
    readonly onPiece?: (bytes: Uint8Array) => void | Promise<void>;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Sha256Hex> {
  const { codeBits = 32, instructions, threads, onPiece = () => undefined, signal } = options;
  const words = await vectorWords(file, codeBits);
  await using handle = await open(file, 'r');
  const hash = createHash('sha256');
  await threads.maskFile(handle, instructions, {
    words,
    codeBits,
    behind: CANARY,
    signal,
    onPiece(piece) {
      const bytes = littleEndianBytes(piece);
      hash.update(bytes);
      return onPiece(bytes);
    },
  });
  return hash.digest('hex') as Sha256Hex;
}
