/** A study's status in lines for a person. */
import type { StudyStatus } from '../rounds/study-status.ts';

export function describeStudy(status: StudyStatus, nowMillis: number): string[] {
  const { name, study, round, stages, waitingFor, deadlineMillis } = status;
  const lines = [`${name} (${study.slice(0, 12)}): ${phaseText(status)}`];
  if (round !== null && status.endedAtMillis === null) {
    const planned = stages.find((stage) => stage.name === round.stage)?.rounds;
    lines.push(
      `  stage ${round.stageNumber} of ${stages.length} (${round.stage}), round ${round.round} of ${planned}: ` +
        `${round.accepted.length} updates accepted`,
    );
    for (const { site, reason } of round.leftOut) lines.push(`  ${site} is left out of this round: ${reason}`);
  }
  if (waitingFor.length > 0 && deadlineMillis !== null) {
    const seconds = Math.max(0, Math.round((deadlineMillis - nowMillis) / 1000));
    lines.push(`  waits at most ${seconds} s longer`);
  }
  for (const { site, why } of waitingFor) {
    const seen = status.sites.find((known) => known.site === site);
    const { progress = null, progressAtMillis = null } = seen ?? {};
    const does = progress === null ? '' : `; ${progressText(progress)}, ${ageText(progressAtMillis, nowMillis)}`;
    lines.push(`  ${site} ${why.replaceAll('-', ' ')}${seen?.connected ? '' : ' (no socket)'}${does}`);
  }
  for (const { site, status: answer, reason } of status.sites) {
    if (answer === 'declined') lines.push(`  ${site} declined: ${reason}`);
  }
  return lines;
}

function phaseText({ phase, reason }: StudyStatus): string {
  switch (phase) {
    case 'waiting-for-sites':
      return 'sites prepare';
    case 'starting-stage':
    case 'between-rounds':
      return 'a stage begins';
    case 'training':
      return 'sites train';
    case 'secure-session':
      return 'sites aggregate their updates';
    case 'aggregating':
      return 'updates are added';
    case 'before-evaluation':
    case 'evaluating':
    case 'evaluated':
      return 'sites evaluate';
    case 'finished':
      return 'finished';
    case 'failed':
      return `failed (${reason})`;
    case 'aborted':
      return 'aborted';
    default:
      return phase satisfies never;
  }
}

function progressText(progress: NonNullable<StudyStatus['sites'][number]['progress']>): string {
  const { activity, done, total, loss } = progress;
  const loss3 = loss === null ? '' : `, loss ${loss.toFixed(3)}`;
  return `${activity.replaceAll('-', ' ')} ${done}/${total}${loss3}`;
}

function ageText(atMillis: number | null, nowMillis: number): string {
  return atMillis === null ? 'never heard' : `heard ${Math.max(0, Math.round((nowMillis - atMillis) / 1000))} s ago`;
}
