/** What a session leaves behind for auditors: its signed messages, under one hash that every site is told. */
import { hashOfJson, type Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { type CoordinatorState, said } from './coordinator-party.ts';
import { PHASES, type SessionTerms, type SignedMessage } from './messages.ts';
import { messageHash } from './signed-message.ts';

export interface Transcript {
  readonly terms: SessionTerms;
  /** By phase, then by the names of their senders: the same list whatever the order in which they came. */
  readonly messages: readonly SignedMessage[];
}

export function transcriptOf(state: CoordinatorState): Transcript {
  return { terms: state.terms, messages: PHASES.flatMap((phase): SignedMessage[] => said(state, phase)) };
}

export function transcriptHash({ terms, messages }: Transcript): Sha256Hex {
  return hashOfJson('secure-aggregation-transcript/1', {
    terms,
    messages: messages.map((message) => messageHash(message)),
  });
}

/** The same of a round's cohorts that were added, in their order. */
export function cohortsTranscriptHash(transcripts: readonly Sha256Hex[]): Sha256Hex {
  return hashOfJson('secure-aggregation-cohort-transcripts/1', transcripts);
}
