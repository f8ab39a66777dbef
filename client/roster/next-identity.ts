/** The keys that this site wishes to have, beside those it has: made by `wardround-site rotate`, used once they stand in the pinned roster. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { signLedgerHead } from '@wardround/protocols/audit/egress-head.ts';
import { memberNames, type Roster } from '@wardround/protocols/enrolment/roster.ts';
import {
  decodeIdentity,
  encodeIdentity,
  generateIdentity,
  type Identity,
  publicKeys,
} from '@wardround/shared/crypto/identity.ts';
import { EGRESS_HEAD } from '../audit/audit-files.ts';
import { openEgressLedger } from '../audit/egress-ledger.ts';
import { writeFileAtomically } from '../state/atomic-file.ts';
import { resealSessions } from '../state/kept-session.ts';
import { replaceSiteIdentity } from '../state/site-identity.ts';
import { DamagedStateError, writeStateFile } from '../state/state-file.ts';

const NEXT_IDENTITY_FILE = 'identity-next.json';

/** @throws {DamagedStateError} */
export async function readNextIdentity(folder: string): Promise<Identity | null> {
  try {
    return decodeIdentity(await readFile(join(folder, NEXT_IDENTITY_FILE), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new DamagedStateError(
      `Cannot use ${NEXT_IDENTITY_FILE} in the site's folder: it is damaged. Remove it and run "wardround-site rotate" again.`,
    );
  }
}

/** Makes new keys; those that wait already are kept. */
export async function makeNextIdentity(folder: string): Promise<Identity> {
  const waiting = await readNextIdentity(folder);
  if (waiting !== null) return waiting;
  const identity = generateIdentity();
  await writeFileAtomically(join(folder, NEXT_IDENTITY_FILE), encodeIdentity(identity));
  return identity;
}

/** Whether the roster has these keys of the site. */
export function isInRoster(roster: Roster | null, site: string, identity: Identity): boolean {
  const { signingKey } = publicKeys(identity);
  if (roster === null || !memberNames(roster).includes(site)) return false;
  return roster.sites.some((member) => member.site === site && member.signingKey === signingKey);
}

/**
 * Puts the new keys in the place of the old ones if the roster has them, and signs the egress ledger's head and seals what
 * is kept of sessions with them. A stop in between is made good at the next start.
 *
 * @returns the identity the site has from now on.
 */
export async function takeNextIdentity(
  folder: string,
  { site, roster, identity }: { readonly site: string; readonly roster: Roster | null; readonly identity: Identity },
): Promise<Identity> {
  const next = await readNextIdentity(folder);
  if (next === null || !isInRoster(roster, site, next)) return identity;
  const ledger = await openEgressLedger(folder, { identity }).catch(() => openEgressLedger(folder, { identity: next }));
  const head = ledger.head();
  await ledger.close();
  await writeStateFile(folder, EGRESS_HEAD, signLedgerHead(head, next));
  await resealSessions(folder, { identity, next });
  await replaceSiteIdentity(folder, next);
  await rm(join(folder, NEXT_IDENTITY_FILE), { force: true });
  return next;
}
