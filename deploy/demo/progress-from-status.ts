/** Makes what is shown out of the coordinator's status. Pure: memory of when things began goes in and comes out. */
import { reasonText } from '@wardround/coordinator/export/reason-text.ts';
import type { StudyStatus } from '@wardround/coordinator/rounds/study-status.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { SiteProgress, StudyProgress } from './study-progress.ts';
import { observeActivity, secondsLeft, type TimeMemory } from './time-left.ts';

export function progressFromStatus(
  status: StudyStatus,
  {
    plan,
    memory,
    startedMillis,
    nowMillis,
  }: { plan: StudyPlan; memory: TimeMemory; startedMillis: number; nowMillis: number },
): { progress: StudyProgress; memory: TimeMemory } {
  let remembered = memory;
  const sites = status.sites.map(({ site, status: standing, reason, progress }): SiteProgress => {
    const outOfRound = status.round?.leftOut.find((left) => left.site === site)?.reason ?? null;
    const leftOut = standing === 'declined' ? (reason ?? 'no-answer') : status.phase === 'training' ? outOfRound : null;
    if (progress === null) return { site, said: null, leftOut: leftOut && reasonText(leftOut, 'left-out') };
    const { activity, done, total, loss, perSecond } = progress;
    const activityNow = {
      site,
      key: [activity, progress.stage, progress.round].join(' '),
      done,
      total,
    };
    remembered = observeActivity(remembered, activityNow, nowMillis);
    const left = secondsLeft(remembered, activityNow, nowMillis);
    return {
      site,
      said: { activity, done, total, loss, perSecond, secondsLeft: left },
      leftOut: leftOut && reasonText(leftOut, 'left-out'),
    };
  });
  return {
    memory: remembered,
    progress: {
      phase: phaseOf(status.phase),
      place: placeOf(status, plan),
      elapsedSeconds: (nowMillis - startedMillis) / 1000,
      sites,
    },
  };
}

function phaseOf(phase: StudyStatus['phase']): StudyProgress['phase'] {
  switch (phase) {
    case 'waiting-for-sites':
      return 'preparing';
    case 'starting-stage':
    case 'between-rounds':
    case 'training':
    case 'secure-session':
    case 'aggregating':
      return 'training';
    case 'before-evaluation':
    case 'evaluating':
    case 'evaluated':
      return 'evaluating';
    case 'finished':
    case 'failed':
    case 'aborted':
      return 'over';
    default:
      return phase satisfies never;
  }
}

function placeOf({ phase, round, stages }: StudyStatus, plan: StudyPlan): StudyProgress['place'] {
  if (round === null || phaseOf(phase) !== 'training') return null;
  const stage = plan.stages.find(({ name }) => name === round.stage);
  return {
    stage: round.stage,
    stageNumber: round.stageNumber,
    stages: stages.length,
    round: round.round,
    rounds: stage?.rounds ?? round.round,
    samples: stage?.kind === 'alignment' ? 'patients' : 'slices',
  };
}
