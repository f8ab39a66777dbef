/** A study's status in lines for a person. */
import type { StudyStatus } from '../rounds/study-status.ts';

export function describeStudy(status: StudyStatus, nowMillis: number): string[] {
  const { name, study, round, stages, waitingFor, deadlineMillis, atDeadline, paused } = status;
  const lines = [`${name} (${study.slice(0, 12)}): ${phaseText(status)}`];
  if (round !== null && status.endedAtMillis === null) {
    const planned = stages.find((stage) => stage.name === round.stage)?.rounds;
    lines.push(
      `  stage ${round.stageNumber} of ${stages.length} (${round.stage}), round ${round.round} of ${planned}: ` +
        `${round.accepted.length} updates accepted`,
    );
    for (const { site, reason } of round.leftOut) lines.push(`  ${site} is left out of this round: ${reason}`);
  }
  const skipped = stages.reduce((sum, { skippedRounds }) => sum + skippedRounds, 0);
  if (skipped > 0) lines.push(`  rounds skipped so far: ${skipped}`);
  if (paused !== null) {
    const rest =
      paused.remainingMillis === null ? '' : `; ${durationText(paused.remainingMillis)} of its time are left`;
    lines.push(`  paused since ${durationText(nowMillis - paused.sinceMillis)}${rest}`);
  }
  if (waitingFor.length > 0 && deadlineMillis !== null) {
    const grace = (round?.quorumAtMillis ?? null) === null ? '' : 'enough have answered; ';
    const then = atDeadline === null ? '' : `, then it ${atDeadline.replaceAll('-', ' ')}`;
    lines.push(`  ${grace}waits at most ${durationText(deadlineMillis - nowMillis)} longer${then}`);
  }
  for (const { site, why, state, sinceMillis } of waitingFor) {
    const seen = status.sites.find((known) => known.site === site);
    const { progress = null, progressAtMillis = null } = seen ?? {};
    const since = sinceMillis === null ? '' : ` since ${durationText(nowMillis - sinceMillis)}`;
    const does = progress === null ? '' : `; ${progressText(progress)}, ${ageText(progressAtMillis, nowMillis)}`;
    lines.push(`  ${site} ${why.replaceAll('-', ' ')}: ${state.replaceAll('-', ' ')}${since}${does}`);
  }
  for (const { site, status: answer, reason } of status.sites) {
    if (answer === 'declined') lines.push(`  ${site} declined: ${reason}`);
  }
  return lines;
}

/** In the largest unit that it fills twice: 90 s, 5 min, 3 h, 4 d. */
function durationText(millis: number): string {
  const seconds = Math.max(0, Math.round(millis / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
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
  return atMillis === null ? 'never heard' : `heard ${durationText(nowMillis - atMillis)} ago`;
}
