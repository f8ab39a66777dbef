/** A site's real link, with its real ledger, to a coordinator at some address: for transfers alone. */
import path from 'node:path';
import { type EgressLedger, openEgressLedger } from '@wardround/client/audit/egress-ledger.ts';
import type { Backoff } from '@wardround/client/link/backoff.ts';
import { openSiteLink, type SiteLink } from '@wardround/client/link/site-link.ts';
import { openSequenceNumbers } from '@wardround/client/state/sequence-numbers.ts';
import { fingerprint, type Identity, publicKeys } from '@wardround/shared/crypto/identity.ts';

export interface TransferSite {
  readonly link: SiteLink;
  readonly ledger: EgressLedger;
  /** What went wrong and was tried again. */
  readonly troubles: string[];
  close(): Promise<void>;
}

export async function openTransferSite(options: {
  readonly folder: string;
  readonly site: string;
  readonly identity: Identity;
  readonly coordinator: Identity;
  readonly url: string;
  readonly bytesPerSecond?: number;
  readonly idleTimeoutMillis?: number;
  readonly pieceBytes?: number;
  readonly backoff?: Backoff;
}): Promise<TransferSite> {
  const { folder, site, identity, url, bytesPerSecond, coordinator, ...settings } = options;
  const keys = publicKeys(coordinator);
  const ledger = await openEgressLedger(folder, { identity });
  const troubles: string[] = [];
  const link = openSiteLink({
    coordinator: { url, fingerprint: fingerprint(keys), ...keys },
    identity,
    site,
    sequence: openSequenceNumbers(folder),
    blobFolder: path.join(folder, 'blobs'),
    bytesPerSecond: async () => bytesPerSecond,
    recordEgress: ledger.record,
    onHint: () => undefined,
    onTrouble: ({ message }) => void troubles.push(message),
    ...settings,
  });
  return {
    link,
    ledger,
    troubles,
    async close() {
      link.close();
      await ledger.close();
    },
  };
}
