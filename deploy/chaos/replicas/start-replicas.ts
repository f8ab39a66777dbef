/** A consortium whose coordinator is several replicas on one PostgreSQL database and one blob store, behind a balancer. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { writeFileAtomically } from '@wardround/client/state/atomic-file.ts';
import { writeMembership } from '@wardround/client/state/membership.ts';
import { openSequenceNumbers } from '@wardround/client/state/sequence-numbers.ts';
import { openSiteFolder } from '@wardround/client/state/site-folder.ts';
import { openAdminClient } from '@wardround/coordinator/cli/admin-client.ts';
import type { InvitationAnswer, LaunchAnswer, StudyAnswer } from '@wardround/coordinator/edge/admin-messages.ts';
import { loadOrCreateIdentity } from '@wardround/coordinator/storage/identity-file.ts';
import { joinTestSite, nextSequence, type TestSite } from '@wardround/coordinator/testing/test-site.ts';
import { isOver, type StudyState } from '@wardround/protocols/round/state.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { encodeIdentity } from '@wardround/shared/crypto/identity.ts';
import { startSiteParty } from '../consortium/parties.ts';
import { type Balancer, startBalancer } from './balancer.ts';

export interface ReplicaSettings {
  readonly stateFolder: string;
  readonly databaseUrl: string;
  readonly blobStore: string;
  readonly identityFile: string;
  readonly publicUrl: string;
  readonly port: number;
  readonly leaseMillis: number;
  readonly logFile: string;
}

export interface Replica {
  readonly settings: ReplicaSettings;
  isRunning(): boolean;
  isReachable(): boolean;
  /** Starts it on what it left; resolves when it listens. */
  start(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  /** Freezes it (SIGSTOP), which its balancer notices, and lets it go on (SIGCONT). */
  freeze(): void;
  thaw(): void;
  log(): Promise<string>;
}

export interface Replicas {
  readonly identityFile: string;
  readonly all: readonly Replica[];
  launch(plan: StudyPlan): Promise<string>;
  startSites(): void;
  /** As any replica that runs has it; null while none answers. */
  state(study: string, of?: readonly Replica[]): Promise<StudyState | null>;
  untilOver(study: string, options: { readonly timeoutMillis: number }): Promise<StudyState>;
  close(): Promise<void>;
}

export async function startReplicas(options: {
  readonly replicas: number;
  readonly sites: number;
  readonly databaseUrl: string;
  /** As after --blob-store; without it a folder that they share. */
  readonly blobStore?: string | undefined;
  readonly leaseMillis: number;
  readonly random: () => number;
  readonly env?: Readonly<Record<string, string>> | undefined;
}): Promise<Replicas> {
  const { databaseUrl, leaseMillis } = options;
  const folder = await mkdtemp(path.join(tmpdir(), 'replicas-'));
  const blobStore = options.blobStore ?? path.join(folder, 'blobs');
  const identityFile = path.join(folder, 'identity.json');
  await loadOrCreateIdentity(identityFile);
  const balancer = await startBalancer(options.random);
  const publicUrl = `http://127.0.0.1:${balancer.port}`;
  const all: Replica[] = [];
  for (let number = 0; number < options.replicas; number++) {
    const stateFolder = path.join(folder, `replica-${number}`);
    await mkdir(stateFolder);
    const port = await freePort();
    const logFile = path.join(folder, `replica-${number}.log`);
    const place = { stateFolder, databaseUrl, blobStore, identityFile, publicUrl, port, leaseMillis, logFile };
    all.push(createReplica(place, { balancer, all, env: options.env ?? {} }));
  }
  await Promise.all(all.map((replica) => replica.start()));

  const admin = await openAdminClient(all[0]!.settings.stateFolder);
  const joined: TestSite[] = [];
  const sites: { readonly start: () => { drop(): Promise<void> } }[] = [];
  for (let position = 0; position < options.sites; position++) {
    const site = `site-${String(position).padStart(2, '0')}`;
    const { token } = await admin.post<InvitationAnswer>('/v1/admin/invitations', { site });
    const own = await joinTestSite(token, joined);
    joined.push(own);
    sites.push(await createSite(own, { folder, position, of: options.sites }));
  }
  const parties: { drop(): Promise<void> }[] = [];

  const state: Replicas['state'] = async (study, of = all) => {
    for (const replica of of.filter((one) => one.isRunning())) {
      try {
        const client = await openAdminClient(replica.settings.stateFolder);
        return (await client.get<StudyAnswer>(`/v1/admin/studies/${study}`)).state;
      } catch {
        // It was killed meanwhile: ask the next.
      }
    }
    return null;
  };

  return {
    identityFile,
    all,
    launch: async (plan) => (await admin.post<LaunchAnswer>('/v1/admin/studies', plan)).study,
    startSites() {
      for (const site of sites) parties.push(site.start());
    },
    state,
    async untilOver(study, { timeoutMillis }) {
      const end = performance.now() + timeoutMillis;
      for (let last: StudyState | null = null; ; await delay(200)) {
        last = (await state(study)) ?? last;
        if (last !== null && isOver(last)) return last;
        if (performance.now() < end) continue;
        const words = await Promise.all(all.map(async (replica) => (await replica.log()).split('\n').slice(-12)));
        throw new Error(
          `The study did not end in time: ${JSON.stringify(last?.phase ?? null)}.\n${words.flat().join('\n')}`,
        );
      }
    },
    async close() {
      await Promise.all(parties.map((party) => party.drop()));
      await Promise.all(all.filter((replica) => replica.isRunning()).map((replica) => replica.kill()));
      await balancer.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function createReplica(
  settings: ReplicaSettings,
  around: { readonly balancer: Balancer; readonly all: readonly Replica[]; readonly env: Record<string, string> },
): Replica {
  const { balancer, all, env } = around;
  let child: ChildProcess | null = null;
  let isFrozen = false;
  const balance = (): void =>
    balancer.setTargets(all.filter((one) => one.isReachable()).map((one) => one.settings.port));
  return {
    settings,
    isRunning: () => child !== null,
    isReachable: () => child !== null && !isFrozen,
    async start() {
      const script = fileURLToPath(new URL('./replica-process.ts', import.meta.url));
      const started = spawn(process.execPath, [script, JSON.stringify(settings)], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        env: {
          ...process.env,
          ...env,
          NODE_OPTIONS: '',
          NODE_COMPILE_CACHE: path.join(tmpdir(), 'wardround-compile-cache'),
        },
      });
      const ended = once(started, 'exit').then(() => {
        throw new Error('The replica ended before it listened');
      });
      ended.catch(() => undefined);
      await Promise.race([once(started, 'message'), ended]);
      child = started;
      balance();
    },
    async kill() {
      const killed = child;
      child = null;
      if (killed === null) return;
      const gone = once(killed, 'exit');
      killed.kill('SIGKILL');
      await gone;
      balance();
    },
    freeze() {
      child?.kill('SIGSTOP');
      isFrozen = true;
      balance();
    },
    thaw() {
      child?.kill('SIGCONT');
      isFrozen = false;
      balance();
    },
    log: () => readFile(settings.logFile, 'utf8').catch(() => ''),
  };
}

async function createSite(
  { site, identity, coordinator }: TestSite,
  place: { readonly folder: string; readonly position: number; readonly of: number },
) {
  const { position, of } = place;
  const folder = await openSiteFolder(path.join(place.folder, site));
  const traceFile = path.join(place.folder, `${site}.trace`);
  const logFile = path.join(place.folder, `${site}.log`);
  await writeFileAtomically(path.join(folder, 'identity.json'), encodeIdentity(identity));
  await writeMembership(folder, { site, coordinator, dataDirectory: folder });
  // It has signed requests of its own already, to join.
  openSequenceNumbers(folder).goOnFrom(nextSequence());
  return { start: () => startSiteParty({ folder, position, of, traceFile, logFile }, { where: 'here' }) };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new TypeError('A free port has a number');
  return address.port;
}
