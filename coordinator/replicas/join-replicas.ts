/**
 * A coordinator's place among those on the same database: alone, or one of several replicas. Alone it has nobody to follow
 * and nobody to tell; that nobody else runs on its PostgreSQL is held by a lock of its connection.
 */
import { randomUUID } from 'node:crypto';
import { isOver } from '@wardround/protocols/round/state.ts';
import type { Logger } from 'pino';
import type { HintSockets } from '../edge/hint-sockets.ts';
import type { ProgressBoard } from '../edge/progress-board.ts';
import type { RosterKeeper } from '../registry/roster-keeper.ts';
import type { Clock } from '../rounds/clock.ts';
import type { Studies } from '../rounds/studies.ts';
import type { Database } from '../storage/database.ts';
import type { DatabasePlace } from '../storage/database-place.ts';
import { createLeases } from '../storage/leases.ts';
import type { BlobStores } from '../storage/open-blob-stores.ts';
import type { SiteTable } from '../storage/site-table.ts';
import { createExclusively, type Exclusively } from './exclusively.ts';
import { requireAuditInFolder, requireFingerprint } from './instance-table.ts';
import { type Leading, leadStudies } from './lead-studies.ts';
import { openReplicaChannel, type ReplicaChannel, type ReplicaWord } from './replica-channel.ts';
import { createSharedPresence } from './shared-presence.ts';
import { sweepBlobs, sweepBlobsInTurn } from './sweep-blobs.ts';

const defaultLeaseMillis = 10_000;
/** How long a replica may take to change the roster before others go on. */
const rosterMillis = 30_000;
const sweepMillis = 600_000;
/** Blobs that no study knows yet stay for so long. */
const graceMillis = 1_200_000;
const cacheMillis = 24 * 3_600_000;

export interface Replicas {
  tell(word: ReplicaWord): void;
  /** Runs a task while no other replica runs one of that name. */
  exclusively(name: string): Exclusively;
  /** Takes up what other replicas have done. */
  follow(): Promise<void>;
  /** The board, with what sites say to other replicas. */
  share(board: ProgressBoard): ProgressBoard;
  onConnected(site: string): void;
  /** Whether the site has a socket at another replica. */
  isConnected(site: string): boolean;
  /** Begins to follow, to lead and to sweep; disposed of, gives all that to others. */
  run(parts: RunningParts): AsyncDisposable;
  close(): Promise<void>;
}

export interface RunningParts {
  readonly studies: Studies;
  readonly roster: Pick<RosterKeeper, 'follow'>;
  readonly sites: Pick<SiteTable, 'sites'>;
  readonly blobs: BlobStores;
  readonly sockets: HintSockets;
  readonly progress: ProgressBoard;
}

/** @throws {ReplicaSettingsError} */
export async function joinReplicas(
  database: Database,
  options: {
    readonly at: DatabasePlace;
    readonly isShared: boolean;
    readonly fingerprint: string;
    /** How long a killed replica's studies wait for the next leader. */
    readonly leaseMillis?: number | undefined;
    readonly clock: Clock;
    readonly log: Logger;
  },
): Promise<Replicas> {
  const { at, isShared, fingerprint, leaseMillis = defaultLeaseMillis, clock, log } = options;
  const holder = randomUUID();
  const leases = createLeases(database);
  let follow = async (): Promise<void> => undefined;
  let running: RunningParts | null = null;
  let channel: ReplicaChannel | null = null;
  const tell = (word: ReplicaWord): void => channel?.tell(word);
  const presence = createSharedPresence({ tell, clock });

  const followSoon = (): void => {
    follow().catch((error: unknown) =>
      log.warn({ problem: error instanceof Error ? error.name : 'unknown' }, 'other replicas cannot be followed'),
    );
  };
  const onWord = (word: ReplicaWord, from: string): void => {
    if (word.kind === 'changed') followSoon();
    if (word.kind === 'connected' || word.kind === 'revoked') running?.sockets.disconnect(word.site);
    presence.hear(word, from);
  };
  if (at.kind === 'postgresql') {
    const { url, namespace } = at;
    const words = { onWord, onGap: followSoon };
    channel = await openReplicaChannel(database, { url, namespace, isReplica: isShared, clock, log, ...words });
    try {
      await requireFingerprint(database, fingerprint);
      if (!isShared) await requireAuditInFolder(database);
    } catch (error) {
      await channel.close();
      throw error;
    }
  }

  return {
    tell,
    exclusively: (name) => createExclusively(leases, { name, holder, clock, durationMillis: rosterMillis }),
    follow: () => follow(),
    share: (board) => (isShared ? presence.share(board) : board),
    onConnected: (site) => tell({ kind: 'connected', site }),
    isConnected: presence.isConnected,
    run(parts) {
      const { studies, roster, sites, blobs, sockets } = parts;
      running = parts;
      let known = 0;
      let leading: Leading | null = null;
      follow = async () => {
        await roster.follow();
        await studies.follow();
        const count = studies.all().length;
        // A new study is led at once.
        if (count > known) void leading?.look();
        known = count;
      };
      leading = leadStudies({
        leases,
        holder,
        runners: studies.all,
        isOver: (runner) => isOver(runner.state()),
        follow,
        clock,
        durationMillis: leaseMillis,
        log,
      });
      const endPresence = presence.repeat(sockets.sites);
      const onTrouble = (): void => log.error('old blobs could not be removed');
      const endSweeping = sweepBlobsInTurn(
        async (beforeMillis) => {
          await follow();
          const names = (await sites.sites()).map(({ site }) => site);
          await sweepBlobs(blobs, { sites: names, needed: studies.neededBlobs(), beforeMillis });
          await blobs.pruneCache(clock.now() - cacheMillis);
        },
        { leases, holder, clock, everyMillis: sweepMillis, graceMillis, onTrouble },
      );
      return {
        async [Symbol.asyncDispose]() {
          endSweeping();
          endPresence();
          await leading?.close();
        },
      };
    },
    close: async () => channel?.close(),
  };
}
