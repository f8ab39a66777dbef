/** How the masking threads divide a vector among them. */
import { readSync } from 'node:fs';
import type { CodeWords } from '../bytes/code-words.ts';
import { littleEndianBytes } from '../bytes/little-endian.ts';
import { addMasks, type Mask } from './mask-generator.ts';

/** 1 MiB: what a thread takes at a time, a multiple of what the streams are made in. */
export const PIECE_BYTES = 1 << 20;

/** How many words a piece of such a vector has. */
export function pieceWords({ BYTES_PER_ELEMENT }: CodeWords): number {
  return PIECE_BYTES / BYTES_PER_ELEMENT;
}

/** Where the pieces come from. */
export interface PieceFile {
  readonly descriptor: number;
  /** How many words it holds. */
  readonly words: number;
  /** What every word of the vector behind them is. */
  readonly behind: number;
}

export interface MaskProgress {
  /** One number: how many pieces have been taken. */
  readonly taken: Int32Array<SharedArrayBuffer>;
  /** One number a slot: that of the piece which lies there masked, counted from 1. */
  readonly masked: Int32Array<SharedArrayBuffer>;
  /** One number: how many pieces have been handed out, so that their slots are free again. */
  readonly handedOut: Int32Array<SharedArrayBuffer>;
}

/** What each thread is told. */
export interface MaskCommand {
  /** How long the vector is. */
  readonly words: number;
  /** Slots of a piece each, which piece after piece takes in turn. */
  readonly ring: CodeWords<SharedArrayBuffer>;
  readonly file: PieceFile;
  readonly masks: readonly Mask[];
  readonly progress: MaskProgress;
}

export function progressOf(ring: CodeWords): MaskProgress {
  const shared = (numbers: number) => new Int32Array(new SharedArrayBuffer(4 * numbers));
  return {
    taken: shared(1),
    masked: shared(Math.max(1, Math.ceil(ring.byteLength / PIECE_BYTES))),
    handedOut: shared(1),
  };
}

/** The piece in its slot. */
export function pieceIn({ words, ring, progress }: MaskCommand, piece: number): CodeWords<SharedArrayBuffer> {
  const most = pieceWords(ring);
  const first = (piece % progress.masked.length) * most;
  return ring.subarray(first, first + Math.min(most, words - piece * most));
}

/**
 * Masks the next piece that nobody has taken.
 *
 * @param options `waits` for a free slot where there is none: in threads only, never in the one that hands out.
 * @returns false when no piece is left, or none has a slot.
 * @throws {RangeError} when the file became shorter.
 */
export function maskNextPiece(command: MaskCommand, { waits }: { readonly waits: boolean }): boolean {
  const piece = takePiece(command, { waits });
  if (piece === null) return false;
  const { file, masks, progress } = command;
  const words = pieceIn(command, piece);
  const firstWord = piece * pieceWords(command.ring);
  readPiece(words, { ...file, firstWord });
  addMasks(words, masks, { firstWord });
  const slot = piece % progress.masked.length;
  Atomics.store(progress.masked, slot, piece + 1);
  Atomics.notify(progress.masked, slot);
  return true;
}

function takePiece({ words, ring, progress }: MaskCommand, { waits }: { readonly waits: boolean }): number | null {
  const { taken, masked, handedOut } = progress;
  for (;;) {
    const piece = Atomics.load(taken, 0);
    if (piece * pieceWords(ring) >= words) return null;
    const free = Atomics.load(handedOut, 0);
    if (piece >= free + masked.length) {
      if (!waits) return null;
      Atomics.wait(handedOut, 0, free);
    } else if (Atomics.compareExchange(taken, 0, piece, piece + 1) === piece) return piece;
  }
}

function readPiece(piece: CodeWords, { descriptor, words, behind, firstWord }: PieceFile & { firstWord: number }) {
  const inFile = Math.max(0, Math.min(piece.length, words - firstWord));
  const { BYTES_PER_ELEMENT: width } = piece;
  const bytes = littleEndianBytes(piece).subarray(0, width * inFile);
  for (let done = 0; done < bytes.length; ) {
    const read = readSync(descriptor, bytes, done, bytes.length - done, width * firstWord + done);
    if (read === 0) throw new RangeError('Cannot mask the vector: its file became shorter');
    done += read;
  }
  piece.fill(behind, inFile);
}
