/** The blobs that a study's state still refers to; all others may be removed. */

import { currentRound, isOver, type StudyState } from '@wardround/protocols/round/state.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';

export interface NeededBlobs {
  readonly published: ReadonlySet<Sha256Hex>;
  readonly uploads: ReadonlySet<Sha256Hex>;
  readonly optimiserStates: ReadonlySet<Sha256Hex>;
}

/** What each stage began and ended with stays for the report; weights in between go with the next round. */
export function neededBlobs(states: Iterable<StudyState>): NeededBlobs {
  const published = new Set<Sha256Hex>();
  const uploads = new Set<Sha256Hex>();
  const optimiserStates = new Set<Sha256Hex>();
  for (const state of states) {
    published.add(state.planBlob);
    for (const { initialModel, model } of state.stages) published.add(initialModel).add(model);
    if (isOver(state)) continue;
    const round = currentRound(state);
    if (round?.outcome === null) for (const { blob } of round.accepted) uploads.add(blob);
    const stage = state.stages.at(-1);
    if (stage?.fallback !== undefined) published.add(stage.fallback.model);
    for (const memory of [stage?.optimiserState, stage?.fallback?.optimiserState]) {
      if (typeof memory === 'string') optimiserStates.add(memory);
    }
  }
  return { published, uploads, optimiserStates };
}
