/** A member's side of a team (team.ts). */
import { parentPort, workerData } from 'node:worker_threads';
import { type Barrier, openBarrier, TeamStoppedError } from './barrier.ts';
import type { FromMember, MemberData } from './team-messages.ts';

/** What a member knows of its team. */
export interface Membership<Data> {
  /** From 0. */
  readonly member: number;
  readonly members: number;
  readonly barrier: Barrier;
  readonly data: Data;
}

/**
 * Prepares with `open` and then answers commands one after the other. What it throws stops the whole team.
 *
 * @throws {TypeError} when called outside a team's thread.
 */
export function joinTeam<Data, Command, Answer>(
  open: (membership: Membership<Data>) => Promise<(command: Command) => Answer | Promise<Answer>>,
): void {
  const port = parentPort;
  if (port === null) throw new TypeError('Cannot join a team: this module runs in worker threads only.');
  const { barrier: memory, timeoutMillis, ...membership } = workerData as MemberData<Data>;
  const barrier = openBarrier(memory, { members: membership.members, timeoutMillis });
  const say = (message: FromMember<Answer>) => port.postMessage(message);
  const failed = (error: unknown) => {
    barrier.stop();
    // The member that failed first has said why.
    if (!(error instanceof TeamStoppedError)) say({ failed: sentenceOf(error), error });
  };
  const opened = open({ ...membership, barrier });
  let last: Promise<unknown> = opened.catch(failed);
  port.on('message', (command: Command) => {
    last = last.then(async () => say({ answer: await (await opened)(command) })).catch(failed);
  });
}

/** Only this program's own sentences are free of data and paths. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return `(${typeof error})`;
  return error.message.startsWith('Cannot ') ? error.message : `(${error.name})`;
}
