/**
 * A coordinator and sites as real processes of this machine: their own command lines, sockets on 127.0.0.1, one state folder
 * each. The demo plays every administrator; otherwise nothing differs from a consortium over a network.
 */
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openAdminClient } from '@wardround/coordinator/cli/admin-client.ts';
import { UnreachableError } from '@wardround/coordinator/cli/exit-codes.ts';
import type { LaunchAnswer, SitesAnswer, StudiesAnswer } from '@wardround/coordinator/edge/admin-messages.ts';
import type { StudyStatus } from '@wardround/coordinator/rounds/study-status.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import type { EngineKind } from '@wardround/shared/learning/engine/open-engine.ts';
import type { SiteFolder } from './plans/plan-for-folder.ts';
import { type Child, ChildFailedError, type Children, endText } from './processes/children.ts';

const coordinatorProgram = new URL(import.meta.resolve('@wardround/coordinator/cli/main.ts'));
const siteProgram = new URL(import.meta.resolve('@wardround/client/cli/main.ts'));

const demoPolicy = { format: 'wardround-site-policy/1', approveMembers: 'automatic' };

export interface Consortium {
  readonly coordinator: Child;
  /** In the order of the folders. */
  readonly sites: readonly Child[];
  /** Starts the coordinator again, on its old state and port. */
  restartCoordinator(): Promise<void>;
  /** Announces a study to all sites; gives its hash. */
  launch(plan: StudyPlan): Promise<string>;
  /** Where the study is; null while the coordinator does not answer. */
  status(study: string): Promise<StudyStatus | null>;
  /** Writes what came of the study. */
  export(study: string, directory: string): Promise<void>;
}

export interface ConsortiumOptions {
  readonly children: Children;
  /** Gets the state folders of the coordinator and the sites. */
  readonly directory: string;
  readonly sites: readonly SiteFolder[];
  /** For all sites; without it each takes the fastest that works. */
  readonly engine?: EngineKind;
  readonly signal: AbortSignal;
}

/**
 * Starts the coordinator, lets every site join with its own invitation, and starts the sites.
 *
 * @throws {ChildFailedError} when a program ends that should not, with its last words.
 */
export async function startConsortium(options: ConsortiumOptions): Promise<Consortium> {
  const { children, directory, signal } = options;
  const state = path.join(directory, 'coordinator');
  // A port of its own, and the same after a restart: sites remember it.
  const port = await freePort();

  const startCoordinator = async (): Promise<Child> => {
    const child = children.start('coordinator', {
      file: coordinatorProgram,
      arguments: ['start', '--state', state, '--port', String(port), '--admit-invited'],
    });
    await untilListening(child, { signal });
    return child;
  };
  const run = (...words: readonly string[]) =>
    children.run('coordinator', { file: coordinatorProgram, arguments: [...words, '--state', state] }, { signal });

  let coordinator = await startCoordinator();

  const sites = await Promise.all(
    options.sites.map(async ({ site, directory: data }) => {
      const token = (await run('invite', site)).trim();
      const folder = path.join(directory, `site-${site}`);
      const own = ['--state', folder];
      await children.run(site, { file: siteProgram, arguments: ['join', token, '--data', data, ...own] }, { signal });
      // One person is everybody here, so each hospital lets the others in by itself.
      await writeFile(path.join(folder, 'policy.json'), canonicalJson(demoPolicy));
      const threads = ['--threads', String(threadsOfASite(options.sites.length))];
      const engine = options.engine === undefined ? [] : ['--engine', options.engine];
      return children.start(site, {
        file: siteProgram,
        arguments: ['start', '--approve', 'any', ...threads, ...engine, ...own],
      });
    }),
  );

  return {
    get coordinator() {
      return coordinator;
    },
    sites,
    async restartCoordinator() {
      coordinator = await startCoordinator();
    },
    async launch(plan) {
      await untilAdmitted(state, { sites: options.sites.length, signal });
      const file = path.join(directory, 'study-plan.json');
      await writeFile(file, canonicalJson(plan));
      return (JSON.parse(await run('study', 'launch', file, '--json')) as LaunchAnswer).study;
    },
    async status(study) {
      // The status command's own way to the coordinator, without starting a process for every look.
      try {
        const admin = await openAdminClient(state);
        const { studies } = await admin.get<StudiesAnswer>('/v1/admin/studies');
        return studies.find((status) => status.study === study) ?? null;
      } catch (error) {
        if (error instanceof UnreachableError) return null;
        throw error;
      }
    },
    async export(study, target) {
      await run('export', study, '--out', target);
    },
  };
}

/** The sites train at the same time on one machine, so each takes its part of the cores. */
function threadsOfASite(sites: number): number {
  return Math.max(1, Math.floor(availableParallelism() / sites));
}

/** The coordinator says on its standard output when it listens. */
async function untilListening(child: Child, { signal }: { signal: AbortSignal }): Promise<void> {
  while (!child.lastLines().some((line) => line.startsWith('Listening on '))) {
    signal.throwIfAborted();
    if (child.end !== null) {
      throw new ChildFailedError(
        [`The coordinator ${endText(child.end)}.`, ...child.lastLines().map((line) => `  ${line}`)].join('\n'),
      );
    }
    await delay(25);
  }
}

/** Each hospital is admitted once those before it have let it in. */
async function untilAdmitted(
  state: string,
  { sites, signal }: { readonly sites: number; readonly signal: AbortSignal },
): Promise<void> {
  for (;;) {
    const admin = await openAdminClient(state);
    const { sites: known } = await admin.get<SitesAnswer>('/v1/admin/sites');
    if (known.filter(({ status }) => status === 'admitted').length >= sites) return;
    await delay(100, undefined, { signal });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port on 127.0.0.1');
  return address.port;
}
