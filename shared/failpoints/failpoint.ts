/**
 * Places where a test lets a process die: before an event is in the journal, after it is, and after it was acknowledged. A
 * place does nothing unless two variables of the environment are set: `WARDROUND_TEST_BUILD=1`, and
 * `WARDROUND_FAILPOINT=<phase>:<point>[@count]`, which names the place and at which passing of it the process is killed.
 */
import { type Armed, parseFailpoint } from './parse-failpoint.ts';

/** What happens at an armed place. */
export type Strike = () => void;

const kill: Strike = () => {
  process.kill(process.pid, 'SIGKILL');
  // The signal arrives while this line runs: nothing behind it may.
  for (;;);
};

let armed: { readonly at: Armed; left: number; readonly strike: Strike } | null = null;
let hasReadEnvironment = false;

/** Called at the place itself. */
export function failpoint(phase: string, point: Armed['point']): void {
  if (!hasReadEnvironment) readEnvironment(process.env);
  if (armed === null || armed.at.phase !== phase || armed.at.point !== point) return;
  armed.left -= 1;
  if (armed.left === 0) armed.strike();
}

/** For tests in one process: arms a place with a strike of their own, or none with null. */
export function armFailpoint(text: string | null, strike: Strike): void {
  hasReadEnvironment = true;
  const at = text === null ? null : parseFailpoint(text);
  armed = at === null ? null : { at, left: at.count, strike };
}

function readEnvironment({ WARDROUND_TEST_BUILD, WARDROUND_FAILPOINT }: NodeJS.ProcessEnv): void {
  const isArmed = WARDROUND_TEST_BUILD === '1' && WARDROUND_FAILPOINT !== undefined && WARDROUND_FAILPOINT !== '';
  armFailpoint(isArmed ? WARDROUND_FAILPOINT : null, kill);
}
