/** A worker that does what its job says, the worst included. */
import { answerJobs } from '../answer-jobs.ts';

export type Misbehaviour =
  | { readonly kind: 'echo'; readonly value: number }
  | { readonly kind: 'wait'; readonly value: number; readonly millis: number }
  | { readonly kind: 'hang' }
  | { readonly kind: 'exit' }
  | { readonly kind: 'throw' }
  | { readonly kind: 'exhaust-memory' };

answerJobs(async (job: Misbehaviour) => {
  switch (job.kind) {
    case 'wait':
      await new Promise((resolve) => setTimeout(resolve, job.millis));
      return { answer: job.value, transfer: [] };
    case 'hang':
      for (;;);
    case 'exit':
      process.exit(3);
      break;
    case 'throw':
      throw new Error('SECRET-NAME in a message');
    case 'exhaust-memory': {
      const hoard: number[][] = [];
      for (;;) hoard.push(new Array(100_000).fill(hoard.length));
    }
  }
  return { answer: job.kind === 'echo' ? job.value : -1, transfer: [] };
});
