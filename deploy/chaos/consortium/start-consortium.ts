/** A consortium for tests of faults: a real coordinator and real sites over a bad network, with one-hot updates. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { writeFileAtomically } from '@wardround/client/state/atomic-file.ts';
import { writeMembership } from '@wardround/client/state/membership.ts';
import { openSequenceNumbers } from '@wardround/client/state/sequence-numbers.ts';
import { openSiteFolder } from '@wardround/client/state/site-folder.ts';
import { openAdminClient } from '@wardround/coordinator/cli/admin-client.ts';
import type { InvitationAnswer, LaunchAnswer, StudyAnswer } from '@wardround/coordinator/edge/admin-messages.ts';
import { readAddress } from '@wardround/coordinator/storage/address-file.ts';
import { stateFolder } from '@wardround/coordinator/storage/state-folder.ts';
import { joinTestSite, nextSequence, type TestSite } from '@wardround/coordinator/testing/test-site.ts';
import { isOver, type StudyState } from '@wardround/protocols/round/state.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { encodeIdentity } from '@wardround/shared/crypto/identity.ts';
import { type FullDisk, mountFullDisk } from '../disk/full-disk.ts';
import { type ChaosProxy, type PassingRequest, startChaosProxy } from '../link/chaos-proxy.ts';
import { collectEvidence, type Evidence } from './evidence.ts';
import type { TraceLine } from './one-hot-trainer.ts';
import { type Party, type PartyOptions, startCoordinatorParty, startSiteParty } from './parties.ts';
import { createShiftedClock } from './shifted-clock.ts';

/** Each look costs four signatures. */
const LOOK_AGAIN_MILLIS = 200;

export interface ChaosSite {
  readonly site: string;
  readonly folder: string;
  readonly logFile: string;
  /** Its keys, for what it says past its program. */
  readonly joined: TestSite;
  /** Starts it where it was, again after it is gone. */
  start(options: PartyOptions): void;
  /** @throws {TypeError} before it was started. */
  party(): Party;
  ifStarted(): Party | null;
  trace(): Promise<TraceLine[]>;
}

export interface Consortium {
  readonly folder: string;
  readonly coordinatorFolder: string;
  readonly coordinatorLog: string;
  readonly proxy: ChaosProxy;
  readonly evidence: Evidence;
  /** In the order of their one-hot positions, which is that of their names. */
  readonly sites: readonly ChaosSite[];
  /** The small disk of the coordinator or of a site. @throws {TypeError} when it has none. */
  disk(name: string): FullDisk;
  coordinator(): Party;
  /** Starts the coordinator on what the last one left; the sites find it at the old address. */
  startCoordinator(options: PartyOptions): Promise<void>;
  /** The coordinator's time, where it runs in this process. */
  now(): number;
  /** Lets so much of it pass at once. Sites go by the coordinator's time: minutes change nothing for them. */
  passTime(millis: number): void;
  launch(plan: StudyPlan): Promise<string>;
  /** Null while no coordinator answers. */
  state(study: string): Promise<StudyState | null>;
  /** @throws {Error} with where it stands when the study does not come to its end in time. */
  untilOver(study: string, options?: { readonly timeoutMillis?: number }): Promise<StudyState>;
  close(): Promise<void>;
}

export async function startConsortium(options: {
  readonly sites: number;
  readonly coordinator?: PartyOptions;
  /** By `coordinator` or a site's name: how many KiB the disk has on which its folder lies. They must be mountable. */
  readonly disks?: Readonly<Record<string, number>>;
  /** As `SiteSettings.idleTimeoutMillis`, for all sites. */
  readonly idleTimeoutMillis?: number;
  /** Told of every message that sites send. */
  readonly onRequest?: (request: PassingRequest & { readonly body: Buffer }) => void;
  /** Where the network's host listens; sites in other networks reach it there. */
  readonly host?: string;
}): Promise<Consortium> {
  const folder = await mkdtemp(path.join(tmpdir(), 'chaos-'));
  const coordinatorFolder = path.join(folder, 'coordinator');
  const coordinatorLog = path.join(folder, 'coordinator.log');
  await mkdir(coordinatorFolder);
  const disks = new Map<string, FullDisk>();
  for (const [name, kibibytes] of Object.entries(options.disks ?? {})) {
    disks.set(name, mountFullDisk(path.join(folder, name), { kibibytes }));
  }
  const evidence = collectEvidence();
  const proxy = await startChaosProxy({
    onExchange: evidence.onExchange,
    onRequest(request) {
      evidence.onRequest(request);
      options.onRequest?.(request);
    },
    host: options.host,
  });
  let coordinator: Party | null = null;
  const clock = createShiftedClock();

  const startCoordinator = async (how: PartyOptions): Promise<void> => {
    const settings = { stateFolder: coordinatorFolder, publicUrl: proxy.url, logFile: coordinatorLog };
    coordinator = await startCoordinatorParty(settings, { ...how, clock });
    const address = await readAddress(stateFolder(coordinatorFolder).address);
    proxy.connectTo(address === null ? null : Number(new URL(address.url).port));
  };
  await startCoordinator(options.coordinator ?? { where: 'here' });

  const admin = await openAdminClient(coordinatorFolder);
  const joined: TestSite[] = [];
  const sites: ChaosSite[] = [];
  for (let position = 0; position < options.sites; position++) {
    const site = `site-${String(position).padStart(2, '0')}`;
    const { token } = await admin.post<InvitationAnswer>('/v1/admin/invitations', { site });
    joined.push(await joinTestSite(token, joined));
    sites.push(await createChaosSite(joined.at(-1)!, { ...options, folder, position, of: options.sites }));
  }

  const state = async (study: string): Promise<StudyState | null> => {
    try {
      const client = await openAdminClient(coordinatorFolder);
      return (await client.get<StudyAnswer>(`/v1/admin/studies/${study}`)).state;
    } catch {
      return null;
    }
  };

  return {
    folder,
    coordinatorFolder,
    coordinatorLog,
    proxy,
    evidence,
    sites,
    disk(name) {
      const disk = disks.get(name);
      if (disk === undefined) throw new TypeError('Cannot find the disk: it was not mounted');
      return disk;
    },
    coordinator() {
      if (coordinator === null) throw new TypeError('Cannot find the coordinator: it was not started');
      return coordinator;
    },
    startCoordinator,
    now: clock.now,
    passTime: clock.pass,
    launch: async (plan) =>
      (await (await openAdminClient(coordinatorFolder)).post<LaunchAnswer>('/v1/admin/studies', plan)).study,
    state,
    async untilOver(study, { timeoutMillis = 60_000 } = {}) {
      const end = performance.now() + timeoutMillis;
      for (let last: StudyState | null = null; ; await delay(LOOK_AGAIN_MILLIS)) {
        last = (await state(study)) ?? last;
        if (last !== null && isOver(last)) return last;
        if (performance.now() < end) continue;
        const logs = [coordinatorLog, ...sites.map(({ logFile }) => logFile)];
        const words = await Promise.all(logs.map(lastWords));
        throw new Error(
          `The study did not end in time. It is at ${JSON.stringify(last?.phase ?? null)}.\n${words.join('\n')}`,
        );
      }
    },
    async close() {
      const parties = sites.flatMap((site) => site.ifStarted() ?? []);
      await inTime(Promise.all(parties.map((party) => party.drop())), 'Not every site stopped when it was told to');
      await inTime(coordinator?.drop(), 'The coordinator did not stop when it was told to');
      await proxy.close();
      for (const disk of disks.values()) disk.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function createChaosSite(
  joined: TestSite,
  place: {
    readonly folder: string;
    readonly position: number;
    readonly of: number;
    readonly idleTimeoutMillis?: number;
  },
): Promise<ChaosSite> {
  const { site, identity, coordinator } = joined;
  const { position, of, idleTimeoutMillis } = place;
  const folder = await openSiteFolder(path.join(place.folder, site));
  const traceFile = path.join(place.folder, `${site}.trace`);
  const logFile = path.join(place.folder, `${site}.log`);
  await writeFileAtomically(path.join(folder, 'identity.json'), encodeIdentity(identity));
  await writeMembership(folder, { site, coordinator, dataDirectory: folder });
  // It has spoken before it had a folder.
  openSequenceNumbers(folder).goOnFrom(nextSequence());
  let party: Party | null = null;
  return {
    site,
    folder,
    logFile,
    joined,
    start(options) {
      party = startSiteParty({ folder, position, of, traceFile, logFile, idleTimeoutMillis }, options);
    },
    ifStarted: () => party,
    party() {
      if (party === null) throw new TypeError('Cannot find the site: it was not started');
      return party;
    },
    async trace() {
      const text = await readFile(traceFile, 'utf8').catch(() => '');
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as TraceLine);
    },
  };
}

const STOP_WITHIN_MILLIS = 15_000;

async function inTime(stopping: Promise<unknown> | undefined, otherwise: string): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(otherwise)), STOP_WITHIN_MILLIS);
  await Promise.race([stopping, late.promise]).finally(() => clearTimeout(timer));
}

/** Without the long summaries that sites show to people. */
async function lastWords(logFile: string): Promise<string> {
  const lines = (await readFile(logFile, 'utf8').catch(() => '')).split('\n');
  const kept = lines.filter((line) => !line.includes('"summary"')).slice(-12);
  return `${path.basename(logFile)}:\n${kept.join('\n')}`;
}
