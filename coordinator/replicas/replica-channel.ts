/**
 * What replicas tell one another, over PostgreSQL's LISTEN and NOTIFY: that something has changed, and what only people
 * watch. Nothing durable: what is lost here is found by looking (lead-studies.ts looks every few seconds).
 *
 * The connection also holds a lock for as long as it lives: replicas share it, and a coordinator that runs alone has it alone.
 */
import { randomUUID } from 'node:crypto';
import { Progress } from '@wardround/protocols/session/messages.ts';
import { sql } from 'kysely';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Clock } from '../rounds/clock.ts';
import type { Database } from '../storage/database.ts';
import type { openListener } from '../storage/postgresql/open-listener.ts';
import { ReplicaSettingsError } from './instance-table.ts';

const Word = z.discriminatedUnion('kind', [
  /** A journal, the roster or a lease. */
  z.object({ kind: z.literal('changed') }),
  z.object({ kind: z.literal('progress'), site: z.string(), progress: Progress }),
  z.object({ kind: z.literal('heard'), site: z.string() }),
  /** The site has opened a socket at the replica that says so: any other of it is dead. */
  z.object({ kind: z.literal('connected'), site: z.string() }),
  /** Sites that have a socket at the replica that says so. */
  z.object({ kind: z.literal('present'), sites: z.array(z.string()) }),
  z.object({ kind: z.literal('revoked'), site: z.string() }),
]);
export type ReplicaWord = z.infer<typeof Word>;

export interface ReplicaChannel {
  /** To all other replicas; what cannot be sent is lost. */
  tell(word: ReplicaWord): void;
  close(): Promise<void>;
}

/** PostgreSQL takes less than 8000 bytes. */
const mostBytes = 7900;
const reconnectMillis = 1000;

/** @throws {ReplicaSettingsError} when another coordinator has the database, and not both are replicas. */
export async function openReplicaChannel(
  database: Database,
  options: {
    readonly url: string;
    readonly namespace: string;
    readonly isReplica: boolean;
    readonly clock: Clock;
    readonly log: Logger;
    readonly onWord: (word: ReplicaWord, from: string) => void;
    /** Words may have been lost. */
    readonly onGap: () => void;
  },
): Promise<ReplicaChannel> {
  const { url, namespace, isReplica, clock, log, onWord, onGap } = options;
  const own = randomUUID();
  const channel = `${namespace}_replicas`;
  let isClosed = false;
  let cancel = (): void => undefined;
  let listener: Awaited<ReturnType<typeof openListener>> | null = null;

  const receive = (text: string): void => {
    const { from, word } = z.object({ from: z.string(), word: Word }).parse(JSON.parse(text));
    if (from !== own) onWord(word, from);
  };

  const connect = async (): Promise<void> => {
    // Loaded where it is used: its client takes 6 MB.
    const listening = await import('../storage/postgresql/open-listener.ts');
    const opened = await listening.openListener(url, {
      channel,
      lock: { name: `wardround/${namespace}/coordinator`, isShared: isReplica },
      onMessage(text) {
        try {
          receive(text);
        } catch {
          log.warn('another replica said what this one does not understand');
        }
      },
      onLost: () => {
        listener = null;
        if (!isClosed) cancel = clock.at(clock.now() + reconnectMillis, reconnect);
      },
    });
    if (opened === null) {
      throw new ReplicaSettingsError(
        isReplica
          ? 'Cannot start as a replica: a coordinator without --replica runs on this database. Stop it first.'
          : 'Cannot start: another coordinator runs on this database. Stop it, or start all of them with --replica.',
      );
    }
    if (isClosed) return opened.close();
    listener = opened;
  };

  const reconnect = (): void => {
    connect().then(onGap, (error: unknown) => {
      log.warn({ problem: error instanceof Error ? error.name : 'unknown' }, 'other replicas cannot be heard');
      if (!isClosed) cancel = clock.at(clock.now() + reconnectMillis, reconnect);
    });
  };

  await connect();
  return {
    tell(word) {
      const text = JSON.stringify({ from: own, word });
      if (!isReplica || isClosed || Buffer.byteLength(text) > mostBytes) return;
      sql`SELECT pg_notify(${channel}, ${text})`.execute(database.tables).catch(() => undefined);
    },
    async close() {
      isClosed = true;
      cancel();
      await listener?.close();
    },
  };
}
