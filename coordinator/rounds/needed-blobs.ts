/** The blobs that a study's state still refers to; all others may be removed. */

import { currentRound, isOver, type RoundState, type StudyState } from '@wardround/protocols/round/state.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { keptTranscripts, type TranscriptRules, transcriptMessages } from './kept-transcripts.ts';

export interface NeededBlobs {
  readonly published: ReadonlySet<Sha256Hex>;
  readonly uploads: ReadonlySet<Sha256Hex>;
  readonly optimiserStates: ReadonlySet<Sha256Hex>;
  /** Signed messages of sessions. */
  readonly sessionMessages: ReadonlySet<Sha256Hex>;
}

/** What each stage began and ended with stays for the report; weights in between go with the next round. */
export function neededBlobs(
  states: Iterable<StudyState>,
  transcripts: TranscriptRules & { readonly nowMillis: number },
): NeededBlobs {
  const published = new Set<Sha256Hex>();
  const uploads = new Set<Sha256Hex>();
  const optimiserStates = new Set<Sha256Hex>();
  const sessionMessages = new Set<Sha256Hex>();
  for (const state of states) {
    published.add(state.planBlob);
    for (const { initialModel, model } of state.stages) published.add(initialModel).add(model);
    for (const { round } of keptTranscripts(state, transcripts)) {
      for (const { body } of transcriptMessages(round)) sessionMessages.add(body);
      for (const { blob } of round.accepted) uploads.add(blob);
    }
    if (isOver(state)) continue;
    // Sums stay while the study runs: a site that was away computes the model from them.
    for (const { outcome } of state.stages.flatMap(({ rounds }) => rounds)) {
      const isAdded = outcome?.kind === 'committed' || outcome?.kind === 'rolled-back';
      if (isAdded && outcome.sum !== undefined) published.add(outcome.sum);
      for (const sum of isAdded ? (outcome.cohortSums ?? []) : []) published.add(sum);
    }
    // What proves that a site said two things stays as long, and what was said in rounds that were skipped.
    for (const round of state.stages.flatMap(({ rounds }) => rounds)) {
      for (const { body } of round.session?.conflicts ?? []) sessionMessages.add(body);
      if (round.outcome === null || round.outcome.kind === 'skipped') {
        for (const hash of messagesOf(round)) sessionMessages.add(hash);
      }
    }
    const round = currentRound(state);
    if (round?.outcome === null) for (const { blob } of round.accepted) uploads.add(blob);
    const stage = state.stages.at(-1);
    if (stage?.fallback !== undefined) published.add(stage.fallback.model);
    for (const memory of [stage?.optimiserState, stage?.fallback?.optimiserState]) {
      if (typeof memory === 'string') optimiserStates.add(memory);
    }
  }
  return { published, uploads, optimiserStates, sessionMessages };
}

/** What a round's session has heard. */
function messagesOf({ session }: RoundState): Sha256Hex[] {
  return Object.values(session?.steps ?? {})
    .flatMap((step) => Object.values(step.messages))
    .map(({ body }) => body);
}
