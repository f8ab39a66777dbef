/**
 * Which sequence numbers a signer has used: the newest 1,024 one by one, all older ones as used (the anti-replay window of
 * RFC 4303, section 3.4.3). Numbers may come in another order, and none is taken twice.
 */
export const WINDOW_SIZE = 1024;

export interface SequenceWindow {
  /** The oldest number that the window tells of. */
  readonly start: number;
  /** Bit i, as hexadecimal digits: whether `start + i` was used. */
  readonly seen: string;
}

export const emptyWindow: SequenceWindow = { start: 0, seen: '0'.repeat(WINDOW_SIZE / 4) };

export type SequenceVerdict = 'new' | 'repeated' | 'too-old';

/** @throws {RangeError} when `sequence` is not a whole number from 0. */
export function slideWindow(
  window: SequenceWindow,
  sequence: number,
): { readonly verdict: SequenceVerdict; readonly window: SequenceWindow } {
  if (!Number.isSafeInteger(sequence) || sequence < 0) {
    throw new RangeError('Cannot check a sequence number: needed a whole number from 0 and below 2^53');
  }
  const start = Math.max(window.start, sequence - WINDOW_SIZE + 1);
  const moved = start - window.start;
  if (sequence < window.start) return { verdict: 'too-old', window };
  const seen = moved >= WINDOW_SIZE ? 0n : BigInt(`0x${window.seen}`) >> BigInt(moved);
  const bit = 1n << BigInt(sequence - start);
  if ((seen & bit) !== 0n) return { verdict: 'repeated', window };
  return { verdict: 'new', window: { start, seen: (seen | bit).toString(16).padStart(WINDOW_SIZE / 4, '0') } };
}
