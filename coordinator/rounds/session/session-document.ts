/** What a site asks for to answer a step of its session. */
import { currentRound, currentStage } from '@wardround/protocols/round/state.ts';
import type { ModelChain, SessionDocument } from '@wardround/protocols/session/messages.ts';
import { RefusalError } from '../../refusal-error.ts';
import type { StudyRunner } from '../study-runner.ts';
import type { SessionAddress } from './receive-session-message.ts';
import { cohortOfSite, rebuildParty, SessionBrokenError, type SessionParts } from './session-party.ts';

/** @throws {RefusalError} */
export async function sessionDocument(
  runner: StudyRunner,
  address: SessionAddress,
  parts: SessionParts,
): Promise<SessionDocument> {
  const { site, stage, round, attempt, step } = address;
  const state = runner.state();
  const open = currentRound(state);
  const isOpen =
    state.phase.kind === 'secure-session' &&
    state.phase.step === step &&
    currentStage(state)?.name === stage &&
    open?.round === round &&
    open.session?.attempt === attempt &&
    open.session.steps[step]?.sites.includes(site) === true;
  if (!isOpen) {
    throw new RefusalError('out-of-turn', {
      status: 409,
      message: 'The session is not at this step, or not with this site. Ask for work.',
    });
  }
  try {
    const cohort = cohortOfSite(state, site);
    const { document } = await rebuildParty({ state, plan: runner.plan, cohort }, parts);
    if (document !== null) return document(site);
  } catch (error) {
    if (!(error instanceof SessionBrokenError)) throw error;
    const { reason, suspect } = error;
    await runner.submit({ kind: 'session-broken', stage: state.stages.length - 1, round, attempt, reason, suspect });
  }
  throw new RefusalError('out-of-turn', {
    status: 409,
    message: 'There is nothing to answer in this step. Ask for work.',
  });
}

/** @throws {RefusalError} */
export function modelChain(runner: StudyRunner, stageName: string): ModelChain {
  const stage = runner.state().stages.find(({ name }) => name === stageName);
  if (stage === undefined) {
    throw new RefusalError('wrong-stage', { status: 404, message: 'The stage has not begun. Ask for work.' });
  }
  const links: ModelChain['links'] = [];
  const skipped: NonNullable<ModelChain['skipped']> = [];
  for (const { round, sites, outcome } of stage.rounds) {
    if (outcome?.kind === 'skipped') skipped.push({ round, reason: outcome.reason });
    if (outcome?.kind !== 'committed' && outcome?.kind !== 'rolled-back') continue;
    const { sum, transcript, cohortSums } = outcome;
    if (sum === undefined || transcript === undefined) continue;
    const ofCohorts = cohortSums !== undefined && { cohortSums: [...cohortSums] };
    const link = { round, sites: sites.length, sum, transcript, ...ofCohorts };
    if (outcome.kind === 'committed') links.push({ ...link, model: outcome.model });
    else
      links.push({ ...link, model: outcome.rejectedModel, rolledBack: { to: outcome.model, reason: outcome.reason } });
  }
  return { initial: stage.initialModel, links, ...(skipped.length > 0 && { skipped }) };
}
