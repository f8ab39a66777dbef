/**
 * A team of worker threads that work on one thing together: each gets its command at the same time, they meet at a barrier
 * while they work, and the answers come back together. One that fails stops them all. No team keeps the process alive
 * except while a command is being carried out.
 */
import { Worker } from 'node:worker_threads';
import { createBarrierMemory, openBarrier } from './barrier.ts';
import type { FromMember, MemberData } from './team-messages.ts';

export interface Team<Command, Answer> {
  readonly members: number;
  /**
   * Gives each member its command and waits for all answers, in the members' order. One call at a time.
   *
   * @throws {Error} when a member fails or ends, or the team has been stopped; the team cannot be used afterwards.
   * @throws the signal's reason when it aborts; the team is stopped then.
   */
  run(commands: readonly Command[], options?: { readonly signal?: AbortSignal | undefined }): Promise<Answer[]>;
  /** Ends the threads, whatever they are doing; a running command is rejected. */
  stop(): void;
}

/** How much later than the first a member may come to a barrier: another machine's load or sleep must not end a run. */
const TIMEOUT_MILLIS = 600_000;

/** Starts the threads. `script` is a module that calls `joinTeam` (team-member.ts), and `data` is what each one gets. */
export function startTeam<Data, Command, Answer>({
  script,
  members,
  data,
  timeoutMillis = TIMEOUT_MILLIS,
}: {
  readonly script: URL;
  readonly members: number;
  readonly data: Data;
  readonly timeoutMillis?: number;
}): Team<Command, Answer> {
  const memory = createBarrierMemory();
  const barrier = openBarrier(memory, { members, timeoutMillis });
  let failure: Error | null = null;
  let answered: (member: number, answer: Answer) => void = () => {};
  let failed: (error: Error) => void = () => {};

  const workers = Array.from({ length: members }, (_, member) => {
    const memberData: MemberData<Data> = { member, members, barrier: memory, timeoutMillis, data };
    return new Worker(script, { workerData: memberData, execArgv: [] });
  });
  const end = (error: Error) => {
    if (failure !== null) return;
    failure = error;
    barrier.stop();
    for (const worker of workers) void worker.terminate();
    failed(error);
  };
  workers.forEach((worker, member) => {
    const lost = (how: string, cause?: unknown) =>
      end(new Error(`Cannot finish the work: thread ${member + 1} of ${members} ${how}`, { cause }));
    worker.unref();
    worker.on('message', (message: FromMember<Answer>) => {
      if ('answer' in message) answered(member, message.answer);
      else lost(`failed. ${message.failed}`, message.error);
    });
    worker.on('error', (error) => lost(whyEnded(error), error));
    worker.on('messageerror', (error) => lost('gave an unreadable answer.', error));
    worker.on('exit', () => lost('ended unexpectedly.'));
  });

  return {
    members,
    async run(commands, { signal } = {}) {
      signal?.throwIfAborted();
      if (failure !== null) throw failure;
      const onAbort = () => end(signal!.reason as Error);
      signal?.addEventListener('abort', onAbort, { once: true });
      for (const worker of workers) worker.ref();
      try {
        return await new Promise((resolve, reject) => {
          const answers = new Map<number, Answer>();
          failed = reject;
          answered = (member, answer) => {
            answers.set(member, answer);
            if (answers.size === members) resolve(workers.map((_, index) => answers.get(index) as Answer));
          };
          workers.forEach((worker, member) => {
            worker.postMessage(commands[member]);
          });
        });
      } finally {
        for (const worker of workers) worker.unref();
        signal?.removeEventListener('abort', onAbort);
      }
    },
    stop: () => end(new Error('Cannot go on: the team of threads has been stopped.')),
  };
}

function whyEnded(error: Error): string {
  return (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY'
    ? 'ran out of memory. Use fewer threads, or smaller images or batches.'
    : `failed (${error.name}).`;
}
