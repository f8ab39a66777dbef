/**
 * Which rounds a member can replay. Their masked vectors, sealed as they came, and the messages of their sessions stay where
 * they are; those of all other rounds are removed as soon as the round is over, and all some time after the study's end. A function of the journal's state and
 * the time alone: what is kept is the same after a restart.
 */

import { addedCohorts } from '@wardround/protocols/round/cohorts.ts';
import { answeredStep } from '@wardround/protocols/round/session-state.ts';
import type { RoundState, StageState, StudyState } from '@wardround/protocols/round/state.ts';
import { PHASES, type Phase } from '@wardround/protocols/secure-aggregation/messages.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';

/** One committed round in so many is kept. */
export const KEEP_TRANSCRIPT_EVERY = 10;
/** So long after its study has ended. */
export const KEEP_ENDED_TRANSCRIPTS_DAYS = 90;

export interface TranscriptRules {
  /** 0 for none but the newest. */
  readonly every: number;
  /** How long after their study's end; Infinity for good. */
  readonly afterEndMillis: number;
}

export interface KeptTranscript {
  readonly stage: StageState;
  readonly round: RoundState;
}

/** The committed rounds with a session whose number is a multiple of `every`, and the newest one. */
export function keptTranscripts(
  { stages, endedAtMillis }: Pick<StudyState, 'stages' | 'endedAtMillis'>,
  { every, afterEndMillis, nowMillis }: TranscriptRules & { readonly nowMillis: number },
): KeptTranscript[] {
  if (endedAtMillis !== null && nowMillis >= endedAtMillis + afterEndMillis) return [];
  const committed = stages.flatMap((stage) =>
    stage.rounds.flatMap((round) =>
      round.session !== undefined && round.outcome?.kind === 'committed' ? [{ stage, round }] : [],
    ),
  );
  return committed.filter(({ round }, index) => {
    return index === committed.length - 1 || (every > 0 && round.round % every === 0);
  });
}

/** A message of a session, by the hash that names it. */
interface MessageReference {
  readonly phase: Phase;
  readonly site: string;
  readonly body: Sha256Hex;
}

/** The messages that the round's sum follows from, by phase and then by site. */
export function transcriptMessages(round: RoundState): MessageReference[] {
  const { session } = round;
  if (session === undefined) return [];
  // A cohort that was left out has no sum to follow from.
  const added = addedCohorts(round)?.flatMap(({ cohort }) => session.cohorts?.[cohort] ?? []);
  return PHASES.flatMap((phase, index) => {
    const next = PHASES[index + 1];
    const goOn = next === undefined ? undefined : session.steps[next]?.sites;
    return answeredStep(session, phase)
      .filter((site) => (goOn?.includes(site) ?? true) && (added?.includes(site) ?? true))
      .map((site) => ({ phase, site, body: session.steps[phase]!.messages[site]!.body }));
  });
}
