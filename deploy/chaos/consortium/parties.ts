/** A running coordinator or site of a test: in this process, or in one of its own that can be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '@wardround/coordinator/rounds/clock.ts';
import { type CoordinatorSettings, runCoordinator } from './run-coordinator.ts';
import { runSite, type SiteSettings, type Tampering } from './run-site.ts';

export interface Party {
  /** Settles when it is gone, by whatever way, with the signal that ended it. */
  readonly gone: Promise<NodeJS.Signals | null>;
  /** As its administrator would. */
  stop(): Promise<void>;
  /** kill -9. @throws {TypeError} when it runs in this process. */
  kill(): Promise<void>;
  /** The quickest way out, once nothing of it matters any more. */
  drop(): Promise<void>;
}

export interface PartyOptions {
  readonly where: 'here' | 'process';
  /** Where it is to die by itself, in a process of its own (shared/failpoints). */
  readonly failpoint?: string | undefined;
  /** The coordinator's time, in this process. */
  readonly clock?: Clock;
  /** What a site does otherwise than its program, in this process. */
  readonly tampering?: Tampering;
  /** Words that a process of its own is started with, such as for another network or a limit. */
  readonly through?: (words: readonly string[]) => readonly string[];
}

/** Resolves when it listens. @throws {Error} when it ends before. */
export async function startCoordinatorParty(settings: CoordinatorSettings, options: PartyOptions): Promise<Party> {
  if (options.where === 'process') {
    const { party, child } = startProcess(new URL('./coordinator-process.ts', import.meta.url), settings, options);
    const isGone = party.gone.then((signal) => {
      throw new Error(`The coordinator ended before it listened (${signal ?? 'by itself'})`);
    });
    await Promise.race([once(child, 'message'), isGone]);
    return party;
  }
  const running = await runCoordinator(settings, options);
  const gone = Promise.withResolvers<null>();
  const stop = async () => {
    await running.close();
    gone.resolve(null);
  };
  return { gone: gone.promise, stop, kill: cannotKill, drop: stop };
}

export function startSiteParty(settings: SiteSettings, options: PartyOptions): Party {
  if (options.where === 'process')
    return startProcess(new URL('./site-process.ts', import.meta.url), settings, options).party;
  const controller = new AbortController();
  const gone = runSite(settings, controller.signal, options.tampering).then(() => null);
  const stop = async () => {
    controller.abort();
    await gone;
  };
  return { gone, stop, kill: cannotKill, drop: stop };
}

function startProcess(script: URL, settings: unknown, { failpoint, through = (words) => words }: PartyOptions) {
  const [file = '', ...words] = through([process.execPath, fileURLToPath(script), JSON.stringify(settings)]);
  const child: ChildProcess = spawn(file, words, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: {
      ...process.env,
      WARDROUND_TEST_BUILD: '1',
      WARDROUND_FAILPOINT: failpoint ?? '',
      NODE_OPTIONS: '',
      // Tests start the same few programs over and over.
      NODE_COMPILE_CACHE: path.join(tmpdir(), 'wardround-compile-cache'),
    },
  });
  const gone = once(child, 'exit').then(([, signal]) => signal as NodeJS.Signals | null);
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await gone;
  };
  const party: Party = { gone, stop: () => end('SIGTERM'), kill: () => end('SIGKILL'), drop: () => end('SIGKILL') };
  return { party, child };
}

async function cannotKill(): Promise<void> {
  throw new TypeError('Cannot kill a party that runs in this process: start it in one of its own');
}
