/**
 * What a round knows of its secure-aggregation session: who was asked in each step, who has answered and with what. The
 * messages themselves are the session's own (secure-aggregation/); here each is a hash.
 *
 * An attempt that loses too many sites is abandoned and another one begins, with new keys and everybody who has trained,
 * but never once a site may have revealed anything: two sums of the round over different sites would give away their
 * difference.
 */
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { PHASES, type Phase } from '../secure-aggregation/messages.ts';
import { FEWEST_SITES, sessionParameters } from '../secure-aggregation/parameters.ts';
import type { TrainingFigures } from '../session/messages.ts';

export type SessionStep = Phase;

/** A round whose sessions fail this often fails. */
export const MOST_ATTEMPTS = 3;

export interface SessionState {
  /** From 1. */
  readonly attempt: number;
  /** The sites that have trained in this round, whatever became of them. */
  readonly trained: Readonly<Record<string, TrainingFigures>>;
  /** The attempt's steps so far. The first attempt's `advertise` is open from the beginning of the round. */
  readonly steps: Readonly<Partial<Record<SessionStep, StepState>>>;
  /** Of the attempt, in studies with cohorts: the sites of each. */
  readonly cohorts?: readonly (readonly string[])[];
  readonly aborts: readonly SessionAbort[];
  /** Messages that differ from what their site had sent in the same place. */
  readonly conflicts: readonly SessionConflict[];
}

export interface StepState {
  /** Who was asked, sorted. */
  readonly sites: readonly string[];
  readonly messages: Readonly<Record<string, SessionMessageReference>>;
}

export interface SessionMessageReference {
  /** Hash of the signed message. */
  readonly body: Sha256Hex;
}

export interface SessionAbort {
  readonly attempt: number;
  readonly step: SessionStep;
  readonly reason: string;
}

export interface SessionConflict {
  readonly attempt: number;
  readonly step: SessionStep;
  readonly site: string;
  readonly body: Sha256Hex;
}

export function openSession(sites: readonly string[]): SessionState {
  return { attempt: 1, trained: {}, steps: { advertise: { sites, messages: {} } }, aborts: [], conflicts: [] };
}

/** Sites whose message of the step was accepted, sorted. */
export function answeredStep(session: SessionState, step: SessionStep): string[] {
  return Object.keys(session.steps[step]?.messages ?? {}).sort();
}

/** Sites that the step still waits for. */
export function awaitedInStep(
  round: { readonly session?: SessionState; readonly leftOut: readonly { readonly site: string }[] },
  step: SessionStep,
): string[] {
  const asked = round.session?.steps[step];
  if (asked === undefined) return [];
  const left = new Set(round.leftOut.map(({ site }) => site));
  return asked.sites.filter((site) => asked.messages[site] === undefined && !left.has(site));
}

/** How many sites a session must begin with, and how many must survive each of its steps. */
export function fewestFor(session: SessionState, step: SessionStep, quorum: number): number {
  if (step === 'advertise') return Math.max(quorum, FEWEST_SITES);
  const { fewestSurvivors } = sessionParameters(session.steps['share-keys']?.sites.length ?? 0);
  return step === 'share-keys' || step === 'masked-input' ? Math.max(quorum, fewestSurvivors) : fewestSurvivors;
}

export function stepAfter(step: Exclude<SessionStep, 'unmask'>): SessionStep {
  return PHASES[PHASES.indexOf(step) + 1]!;
}
