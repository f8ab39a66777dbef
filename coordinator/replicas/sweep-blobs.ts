/**
 * Removes blobs that no study needs, some time after they were stored: a replica may have made one of which the others do not
 * know yet. One replica at a time does it.
 */
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { Clock } from '../rounds/clock.ts';
import type { NeededBlobs } from '../rounds/needed-blobs.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import type { Leases } from '../storage/leases.ts';
import type { UploadStore } from '../storage/upload-store.ts';

export interface SweptStores {
  readonly published: BlobStore;
  readonly optimiserStates: BlobStore;
  readonly sessions: BlobStore;
  readonly uploads: UploadStore;
}

export async function sweepBlobs(
  stores: SweptStores,
  options: {
    readonly sites: readonly string[];
    /** As the journals have it now. */
    readonly needed: NeededBlobs;
    /** Blobs stored after that stay. */
    readonly beforeMillis: number;
  },
): Promise<void> {
  const { sites, needed, beforeMillis } = options;
  const sweep = async (blobs: BlobStore, keep: ReadonlySet<Sha256Hex>): Promise<void> => {
    for (const { hash, modifiedMillis } of await blobs.entries()) {
      if (!keep.has(hash) && modifiedMillis < beforeMillis) await blobs.remove(hash);
    }
  };
  await sweep(stores.published, needed.published);
  await sweep(stores.optimiserStates, needed.optimiserStates);
  await sweep(stores.sessions, needed.sessionMessages);
  for (const site of sites) await sweep(await stores.uploads.of(site), needed.uploads);
}

/** Sweeps from time to time, for as long as this replica is the one that does. @returns what ends it. */
export function sweepBlobsInTurn(
  sweep: (beforeMillis: number) => Promise<void>,
  options: {
    readonly leases: Leases;
    readonly holder: string;
    readonly clock: Clock;
    readonly everyMillis: number;
    readonly graceMillis: number;
    readonly onTrouble: (error: unknown) => void;
  },
): () => void {
  const { leases, holder, clock, everyMillis, graceMillis, onTrouble } = options;
  let cancel = (): void => undefined;
  const attempt = async (): Promise<void> => {
    const nowMillis = clock.now();
    // Kept until the next time: who swept last goes on as long as it lives.
    const lease = await leases.acquire('sweep', holder, { nowMillis, durationMillis: 2 * everyMillis });
    if (lease !== null) await sweep(nowMillis - graceMillis);
  };
  const tick = (): void => {
    attempt().catch(onTrouble);
    cancel = clock.at(clock.now() + everyMillis, tick);
  };
  cancel = clock.at(clock.now() + everyMillis, tick);
  return () => cancel();
}
