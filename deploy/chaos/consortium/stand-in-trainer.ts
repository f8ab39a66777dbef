/** Stands in for the training thread: reading data, training and evaluating are made up, masking is the real one. */
import { maskVector } from '@wardround/client/training/session/mask-vector.ts';
import type { Trainer } from '@wardround/client/training/trainer.ts';
import type {
  Advanced,
  AdvanceTask,
  EvaluateTask,
  Task,
  Trained,
  TrainTask,
} from '@wardround/client/training/worker-messages.ts';
import { readiness } from '@wardround/coordinator/testing/test-site.ts';
import type { EvaluationReport } from '@wardround/protocols/session/messages.ts';
import { encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { seal } from '@wardround/shared/crypto/sealed-envelope.ts';

export interface StandInParts {
  train(task: TrainTask): Promise<Trained>;
  advance(task: AdvanceTask, signal: AbortSignal): Promise<Advanced>;
  /** Told before the report, which is empty, is given. */
  readonly onEvaluate?: (task: EvaluateTask) => Promise<void>;
}

export function createStandInTrainer(parts: StandInParts): Trainer {
  const perform = async (task: Task, signal: AbortSignal): Promise<unknown> => {
    switch (task.kind) {
      case 'prepare':
        return { ready: readiness, engine: { ...readiness.engine, notes: [] }, notes: [] };
      case 'train':
        return parts.train(task);
      case 'mask':
        return maskVector(task, { signal });
      case 'advance-model':
        return parts.advance(task, signal);
      case 'evaluate': {
        await parts.onEvaluate?.(task);
        const report: EvaluationReport = { results: [], retrieval: [], skipped: [] };
        const sealed = encodeBase64Url(seal(Buffer.from(JSON.stringify(report)), task.sealing));
        return { sealed, results: 0, skipped: [] };
      }
      default:
        return task satisfies never;
    }
  };
  return {
    run: (task, { signal }) => perform(task, signal) as never,
    close: async () => undefined,
  };
}
