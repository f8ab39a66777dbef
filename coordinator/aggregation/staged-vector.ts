/** An update as it was uploaded: sealed, on the disk, to be read in parts. */
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { Identity } from '@wardround/shared/crypto/identity.ts';
import { readSealedBody, SEAL_HEADER_BYTES, SealBrokenError } from '@wardround/shared/crypto/sealed-envelope.ts';
import { BlobDamagedError, type BlobFile, type BlobStore } from '../storage/blob-store.ts';
import { hashFile } from './pieces/inspect-vector.ts';
import type { StagedVector } from './pieces/sum-words.ts';

/** Whoever opens it disposes of it, when no thread reads it any more. */
export interface OpenVector extends AsyncDisposable {
  readonly vector: StagedVector;
  readonly file: BlobFile;
}

export type VectorTrouble = 'update-damaged' | 'seal-broken';

/** Reads the envelope's header; the reason where there is nothing to read. */
export async function openStagedVector(
  uploads: BlobStore,
  options: {
    readonly blob: Sha256Hex;
    readonly identity: Pick<Identity, 'sealingSecret'>;
    readonly context: string;
  },
): Promise<OpenVector | VectorTrouble> {
  const { blob, identity, context } = options;
  let file: BlobFile;
  try {
    file = await uploads.openUnchecked(blob);
  } catch (error) {
    if (error instanceof BlobDamagedError) return 'update-damaged';
    throw error;
  }
  try {
    const { sizeBytes, descriptor } = file;
    const header = await file.read({ position: 0, bytes: Math.min(sizeBytes, SEAL_HEADER_BYTES) });
    const body = readSealedBody(header, { identity, context, sealedBytes: sizeBytes });
    const close = async () => {
      body.contentKey.fill(0);
      await file[Symbol.asyncDispose]();
    };
    return { vector: { descriptor, body }, file, [Symbol.asyncDispose]: close };
  } catch (error) {
    const trouble = error instanceof SealBrokenError ? troubleWith(file, blob) : null;
    await file[Symbol.asyncDispose]();
    if (trouble === null) throw error;
    return trouble;
  }
}

/** Why an envelope does not open: its bytes are not those that were uploaded, or they never were one. */
export function troubleWith(file: BlobFile, blob: Sha256Hex): VectorTrouble {
  return hashFile(file) === blob ? 'seal-broken' : 'update-damaged';
}
