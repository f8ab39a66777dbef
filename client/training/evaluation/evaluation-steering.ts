/** How an evaluation, which trains, embeds and measures in turn, is watched and stopped. */
import type { Progress } from '@wardround/protocols/session/messages.ts';
import type { StepReport } from '../steering.ts';

interface ActivityReport extends StepReport {
  readonly activity: Extract<Progress['activity'], 'embedding' | 'training-alone' | 'evaluating'>;
  readonly stage: string | null;
  readonly round: number | null;
}

export interface EvaluationSteering {
  readonly signal: AbortSignal;
  readonly onProgress: (report: ActivityReport) => void;
}
