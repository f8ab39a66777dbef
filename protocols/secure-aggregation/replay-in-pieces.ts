/**
 * Replays a session whose vectors do not fit into memory: one piece of every vector at a time, in order. Each vector is
 * hashed on the way, so that at the end it is known to be the one that its site has signed.
 */
import { createHash } from 'node:crypto';
import { type CodeBits, codeWordsFromBytes, createCodeWords, largestSum } from '@wardround/shared/bytes/code-words.ts';
import { addModulo } from '@wardround/shared/bytes/fixed-point.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { addMasks } from '@wardround/shared/crypto/mask-generator.ts';
import { canaryWords, sumFault } from './canary.ts';
import { type Replay, replayTranscript } from './replay.ts';
import type { PinnedRoster } from './signed-message.ts';
import type { Transcript } from './transcript.ts';

const PIECE_WORDS = 1 << 20;

/** Part of a survivor's masked vector. */
export interface VectorPiece {
  readonly site: string;
  /** SHA-256 of the whole vector, as its site has signed it. */
  readonly maskedInput: Sha256Hex;
  /** In bytes. */
  readonly position: number;
  readonly bytes: number;
}

/**
 * @param options `roster`: that was in force, from a trusted source. `readPiece` gives fewer bytes only where the vector ends.
 *   `codeBits`: of each word; 32 where left out.
 * @returns the hash of the sum's little-endian bytes without the canary, which is the name of the published sum.
 */
export async function replayInPieces(
  transcript: Transcript,
  options: {
    readonly roster: PinnedRoster;
    readonly readPiece: (piece: VectorPiece) => Promise<Uint8Array>;
    readonly codeBits?: CodeBits | undefined;
    readonly pieceWords?: number;
    readonly onPiece?: (doneWords: number) => void;
  },
): Promise<Replay<{ readonly sum: Sha256Hex; readonly survivors: readonly string[] }>> {
  const { roster, readPiece, codeBits = 32, pieceWords = PIECE_WORDS, onPiece = () => undefined } = options;
  const wordBytes = codeBits / 8;
  const replayed = replayTranscript(transcript, { roster });
  if (!replayed.ok) return replayed;
  const { instructions } = replayed;
  const vectors = [...replayed.maskedInputs].map(([site, maskedInput]) => ({
    site,
    maskedInput: maskedInput as Sha256Hex,
    digest: createHash('sha256'),
  }));
  const { words } = transcript.terms;
  const hash = createHash('sha256');
  // The last piece holds the whole canary, which is looked at there.
  const pieceAt = (firstWord: number): number => {
    const left = words - firstWord;
    return left < pieceWords + canaryWords(codeBits) ? left : pieceWords;
  };
  const sum = createCodeWords(pieceWords + canaryWords(codeBits), codeBits);
  for (let firstWord = 0; firstWord < words; ) {
    const piece = sum.subarray(0, pieceAt(firstWord)).fill(0);
    for (const { site, maskedInput, digest } of vectors) {
      const bytes = await readPiece({ site, maskedInput, position: wordBytes * firstWord, bytes: piece.byteLength });
      if (bytes.length !== piece.byteLength) return { ok: false, reason: 'masked-input-altered', suspect: site };
      digest.update(bytes);
      addModulo(piece, codeWordsFromBytes(bytes, codeBits));
    }
    addMasks(piece, instructions, { firstWord });
    const isLast = firstWord + piece.length === words;
    hash.update(littleEndianBytes(isLast ? piece.subarray(0, piece.length - canaryWords(codeBits)) : piece));
    if (isLast) {
      const altered = vectors.find(({ maskedInput, digest }) => digest.digest('hex') !== maskedInput);
      if (altered !== undefined) return { ok: false, reason: 'masked-input-altered', suspect: altered.site };
      const fault = sumFault(piece, { survivors: vectors.length, largest: largestSum(codeBits) });
      if (fault !== null) return { ok: false, reason: fault, suspect: null };
    }
    firstWord += piece.length;
    onPiece(firstWord);
  }
  return { ok: true, sum: hash.digest('hex') as Sha256Hex, survivors: vectors.map(({ site }) => site) };
}
