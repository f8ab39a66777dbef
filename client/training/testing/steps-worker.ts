/** A stand-in for the training thread in the trainer's tests: it takes steps as told by the plan's seed, or misbehaves. */
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import type { FromWorker, ToWorker } from '../worker-messages.ts';

const port = parentPort!;
const answer = (message: FromWorker) => port.postMessage(message);
let stopped = 0;

port.on('message', async (message: ToWorker) => {
  const { id } = message;
  if (message.kind === 'stop') {
    stopped = id;
    return;
  }
  const { task } = message;
  const { name, seed } = 'plan' in task ? task.plan : { name: 'fail', seed: 0 };
  switch (name) {
    case 'steps':
      for (let done = 1; done <= seed; done++) {
        if (stopped === id) return answer({ kind: 'stopped', id });
        const progress = { activity: 'training', stage: null, round: null, loss: null, perSecond: null } as const;
        answer({ kind: 'progress', id, progress: { ...progress, done, total: seed } });
        await delay(5);
      }
      return answer({ kind: 'done', id, result: { notes: ['finished'] } as never });
    case 'decline':
      return answer({ kind: 'declined', id, reason: 'too-few-patients', message: 'Cannot train: too few.' });
    case 'fail':
      return answer({ kind: 'failed', id, error: { name: 'RangeError', message: null, code: null, where: 'x.ts:1' } });
    case 'throw':
      setImmediate(() => {
        throw new Error('secret path /home/patient');
      });
      return;
    case 'exit':
      return process.exit(3);
    case 'busy':
      for (;;);
  }
});
