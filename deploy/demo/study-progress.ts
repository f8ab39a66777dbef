/** What is shown while a study runs: who does what, and how far along. Plain data, made from the coordinator's status. */
import { formatBytes } from '@wardround/coordinator/export/format-figure.ts';
import type { Progress } from '@wardround/protocols/session/messages.ts';

export interface SiteProgress {
  readonly site: string;
  /** What the site last said about itself; null before its first word. */
  readonly said: {
    readonly activity: Progress['activity'];
    readonly done: number;
    readonly total: number;
    readonly loss: number | null;
    readonly perSecond: number | null;
    readonly secondsLeft: number | null;
  } | null;
  /** Why the site is not in the current round; null when it is. */
  readonly leftOut: string | null;
}

export interface StudyProgress {
  readonly phase: 'preparing' | 'training' | 'evaluating' | 'over';
  /** Where in the plan; null outside of training. */
  readonly place: {
    readonly stage: string;
    readonly stageNumber: number;
    readonly stages: number;
    readonly round: number;
    readonly rounds: number;
    /** What is counted a second. */
    readonly samples: 'slices' | 'patients';
  } | null;
  readonly elapsedSeconds: number;
  readonly sites: readonly SiteProgress[];
}

export const activityNames: Readonly<Record<Progress['activity'], string>> = {
  'reading-data': 'reading data',
  receiving: 'fetching weights',
  embedding: 'embedding slices',
  training: 'training',
  'training-alone': 'training alone',
  sending: 'sending update',
  evaluating: 'evaluating',
  waiting: 'waiting',
};

/** `pretraining (stage 1 of 2), round 3 of 6`. */
export function placeText({ phase, place }: Pick<StudyProgress, 'phase' | 'place'>): string {
  switch (phase) {
    case 'preparing':
      return 'hospitals read their data';
    case 'training':
      return place === null
        ? 'between rounds'
        : `${place.stage} (stage ${place.stageNumber} of ${place.stages}), round ${place.round} of ${place.rounds}`;
    case 'evaluating':
      return 'each hospital trains alone, for comparison, and evaluates';
    case 'over':
      return 'done';
    default:
      return phase satisfies never;
  }
}

/** The figures of a site in words, those it has: `7/12`, `loss 2.431`, `24.1 slices/s`, `5 s left`. */
export function siteFigures({ said }: SiteProgress, place: StudyProgress['place']): string[] {
  if (said === null) return [];
  const unit = said.activity === 'embedding' ? 'slices' : (place?.samples ?? 'samples');
  const counted = said.activity === 'training' || said.activity === 'training-alone' || said.activity === 'embedding';
  return [
    howFar(said),
    said.loss === null ? null : `loss ${said.loss.toFixed(3)}`,
    said.perSecond === null || !counted ? null : `${said.perSecond.toFixed(said.perSecond < 100 ? 1 : 0)} ${unit}/s`,
    said.secondsLeft === null ? null : `${shortTime(said.secondsLeft)} left`,
  ].filter((figure) => figure !== null);
}

/** Steps are worth counting; bytes have a unit; of the rest only the share is of interest. */
function howFar({ activity, done, total }: NonNullable<SiteProgress['said']>): string | null {
  if (total === 0) return null;
  if (activity === 'training') return `${done}/${total}`;
  if (activity === 'sending' || activity === 'receiving') return `${formatBytes(done)} of ${formatBytes(total)}`;
  return `${Math.floor((100 * Math.min(done, total)) / total)} %`;
}

/** `5 s`, `1:05 min`. */
export function shortTime(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')} min`;
}
