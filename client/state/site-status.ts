/** What the running client is doing, kept in its folder for `wardround-site status`. Nothing here is read back by the client. */
import { Sha256, Slug, TimeMillis } from '@wardround/protocols/names.ts';
import { EngineLabel, Inventory, Progress, QuarantineCounts } from '@wardround/protocols/session/messages.ts';
import { z } from 'zod';
import { readStateFile, type StateFile, writeStateFile } from './state-file.ts';

const SiteStatus = z.strictObject({
  format: z.literal('wardround-site-status/1'),
  atMillis: TimeMillis,
  /** `announced`: work is announced by the socket; `polling`: it is asked for. */
  connection: z.enum(['connecting', 'announced', 'polling', 'waiting-for-admission', 'failing']),
  /** Why the last request failed, in a sentence, while it fails. */
  problem: z.string().nullable(),
  study: z.strictObject({ hash: Sha256, name: Slug }).nullable(),
  /** The study that waits for approval here. */
  waitingForApproval: Sha256.nullable(),
  progress: Progress.omit({ study: true, bytesSent: true }).nullable(),
  bytesSent: z.number().min(0),
  engine: EngineLabel.nullable(),
  inventory: Inventory.nullable(),
  quarantine: QuarantineCounts.nullable(),
});
export type SiteStatus = z.infer<typeof SiteStatus>;

const STATUS: StateFile<SiteStatus> = {
  name: 'status.json',
  schema: SiteStatus,
  remedy: 'Remove the file: a running client writes it anew.',
};

export function readSiteStatus(folder: string): Promise<SiteStatus | null> {
  return readStateFile(folder, STATUS);
}

export interface StatusBoard {
  update(change: Partial<Omit<SiteStatus, 'format' | 'atMillis'>>): void;
  /** Writes what is still unwritten. */
  close(): Promise<void>;
}

const WRITE_INTERVAL_MILLIS = 1000;

/** Collects changes and writes them at most once a second. A status that cannot be written stops nothing. */
export function createStatusBoard(
  folder: string,
  { nowMillis = Date.now }: { nowMillis?: () => number } = {},
): StatusBoard {
  let status: SiteStatus = {
    format: 'wardround-site-status/1',
    atMillis: nowMillis(),
    connection: 'connecting',
    problem: null,
    study: null,
    waitingForApproval: null,
    progress: null,
    bytesSent: 0,
    engine: null,
    inventory: null,
    quarantine: null,
  };
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  const write = () => {
    timer = undefined;
    writing = writing.then(() => writeStateFile(folder, STATUS, status)).catch(() => undefined);
  };
  return {
    update(change) {
      status = { ...status, ...change, atMillis: nowMillis() };
      timer ??= setTimeout(write, WRITE_INTERVAL_MILLIS);
    },
    async close() {
      clearTimeout(timer);
      write();
      await writing;
    },
  };
}
