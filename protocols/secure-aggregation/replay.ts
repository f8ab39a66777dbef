/**
 * Recomputes a session's sum from its transcript and the masked vectors, as the coordinator should have. An auditor learns
 * the sum and no site's vector: masks between survivors stay in place and only cancel in the sum.
 */
import { type CodeWords, createCodeWords } from '@wardround/shared/bytes/code-words.ts';
import { addModulo } from '@wardround/shared/bytes/fixed-point.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { CLOSINGS, type Closing, closeUnmasking, openSession, receive, said } from './coordinator-party.ts';
import { applyMasks, type MaskInstruction } from './mask-instructions.ts';
import { PHASES } from './messages.ts';
import type { PinnedRoster } from './signed-message.ts';
import type { Transcript } from './transcript.ts';

export type Replay<Result> =
  | ({ readonly ok: true } & Result)
  | { readonly ok: false; readonly reason: string; readonly suspect: string | null };

/**
 * Checks every message of the transcript and says what the sum is made of, for those who add vectors piece by piece.
 *
 * @param options the roster that was in force, from a trusted source.
 */
export function replayTranscript(
  transcript: Transcript,
  options: { readonly roster: PinnedRoster },
): Replay<{
  /** Survivor -> SHA-256 of its masked vector. */
  readonly maskedInputs: ReadonlyMap<string, string>;
  readonly instructions: readonly MaskInstruction[];
}> {
  let state = openSession(transcript.terms, options.roster);
  for (const phase of PHASES) {
    for (const message of transcript.messages.filter(({ header }) => header.phase === phase)) {
      const received = receive(state, message);
      if (!received.ok) return received;
      state = received.state;
    }
    if (phase === 'unmask') break;
    const closed: Closing<unknown> = CLOSINGS[phase](state);
    if (!closed.ok) return closed;
    state = closed.state;
  }
  const unmasked = closeUnmasking(state);
  if (!unmasked.ok) return unmasked;
  const maskedInputs = new Map(
    said(unmasked.state, 'masked-input').map(({ header, body }) => [header.site, body.maskedInput]),
  );
  return { ok: true, maskedInputs, instructions: unmasked.answer };
}

/** The sum, from vectors that fit into memory. @param options `maskedInputs`: survivor -> its masked vector. */
export function replay(
  transcript: Transcript,
  options: { readonly roster: PinnedRoster; readonly maskedInputs: ReadonlyMap<string, CodeWords> },
): Replay<{ readonly sum: CodeWords }> {
  const replayed = replayTranscript(transcript, options);
  if (!replayed.ok) return replayed;
  const [first] = options.maskedInputs.values();
  const sum = createCodeWords(transcript.terms.words, first instanceof Int16Array ? 16 : 32);
  for (const [site, hash] of replayed.maskedInputs) {
    const vector = options.maskedInputs.get(site);
    if (vector === undefined || vector.length !== sum.length || sha256Hex(littleEndianBytes(vector)) !== hash) {
      return { ok: false, reason: 'masked-input-altered', suspect: site };
    }
    addModulo(sum, vector);
  }
  applyMasks(sum, replayed.instructions);
  return { ok: true, sum };
}
