import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { EngineKind } from '../open-engine.ts';
import type { CheckValues } from './check-values.ts';
import { readProbeMessage } from './probe-message.ts';

const PROBE = fileURLToPath(new URL('engine-probe.ts', import.meta.url));
const TIMEOUT_MILLIS = 120_000;

export interface ProbedEngine {
  readonly kind: EngineKind;
  /** One line for people; null where the engine did not open. */
  readonly description: string | null;
  /** Null where it did not come so far. */
  readonly values: CheckValues | null;
  readonly stepsPerSecond: number | null;
  /** One sentence where the engine cannot be used; null where it opened and came to the end. */
  readonly problem: string | null;
  /** Its process ended or hung, as a process that trains on it would. */
  readonly brokeDown: boolean;
}

/**
 * Tries an engine in a process of its own, because a process has one current engine and a broken native library takes its
 * process with it.
 *
 * @throws the signal's reason when it is aborted.
 */
export async function probeEngine(
  kind: EngineKind,
  {
    probe = PROBE,
    timeoutMillis = TIMEOUT_MILLIS,
    signal,
  }: { readonly probe?: string; readonly timeoutMillis?: number; readonly signal?: AbortSignal | undefined } = {},
): Promise<ProbedEngine> {
  signal?.throwIfAborted();
  const found: { -readonly [Key in keyof ProbedEngine]: ProbedEngine[Key] } = {
    kind,
    description: null,
    values: null,
    stepsPerSecond: null,
    problem: null,
    brokeDown: false,
  };
  let doing = 'opened';
  const child = spawn(process.execPath, [probe, kind], { stdio: ['ignore', 'pipe', 'ignore'] });
  const kill = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', kill);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    kill();
  }, timeoutMillis);
  try {
    const ended = new Promise<string | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, by) => resolve(by ?? (code === 0 ? null : `exit code ${code}`)));
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const message = readProbeMessage(line);
      if (message === null) return;
      if (message.phase === 'refused') found.problem = message.reason;
      if (message.phase === 'opened') [found.description, doing] = [message.description, 'checked'];
      if (message.phase === 'checked') [found.values, doing] = [message.values, 'timed'];
      if (message.phase === 'failed') found.problem = `It failed while it was ${doing}: ${message.error}`;
      if (message.phase === 'timed') found.stepsPerSecond = message.stepsPerSecond;
    });
    const failure = await ended;
    signal?.throwIfAborted();
    found.brokeDown = late || failure !== null;
    if (late) found.problem = `It gave no answer within ${timeoutMillis / 1000} seconds while it was ${doing}.`;
    else if (failure !== null) found.problem = `Its process ended (${failure}) while it was ${doing}.`;
    return found;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', kill);
  }
}
