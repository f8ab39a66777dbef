/** How the masking threads divide a vector among them. */
import { addMasks, type Mask } from './mask-generator.ts';

/** 1 MiB: what a thread takes at a time, a multiple of what the streams are made in. */
export const PIECE_WORDS = 1 << 18;

export interface MaskProgress {
  /** One number: how many pieces have been taken. */
  readonly taken: Int32Array<SharedArrayBuffer>;
  /** One number a piece: 1 when it is masked. */
  readonly masked: Int32Array<SharedArrayBuffer>;
}

/** What each thread is told. */
export interface MaskCommand {
  readonly vector: Int32Array<SharedArrayBuffer>;
  readonly masks: readonly Mask[];
  readonly progress: MaskProgress;
}

export function progressOf(vector: Int32Array): MaskProgress {
  const pieces = Math.ceil(vector.length / PIECE_WORDS);
  return {
    taken: new Int32Array(new SharedArrayBuffer(4)),
    masked: new Int32Array(new SharedArrayBuffer(4 * pieces)),
  };
}

/** Masks the next piece that nobody has taken. @returns false when there is none. */
export function maskNextPiece({ vector, masks, progress: { taken, masked } }: MaskCommand): boolean {
  const piece = Atomics.add(taken, 0, 1);
  if (piece >= masked.length) return false;
  const firstWord = piece * PIECE_WORDS;
  addMasks(vector.subarray(firstWord, firstWord + PIECE_WORDS), masks, { firstWord });
  Atomics.store(masked, piece, 1);
  Atomics.notify(masked, piece);
  return true;
}
