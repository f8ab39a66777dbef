/** The site's own keys: made at first start, never sent, replaced only by a rotation (roster/next-identity.ts). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeIdentity, encodeIdentity, generateIdentity, type Identity } from '@wardround/shared/crypto/identity.ts';
import { writeFileAtomically } from './atomic-file.ts';
import { DamagedStateError } from './state-file.ts';

const IDENTITY_FILE = 'identity.json';

/**
 * The identity in the folder, or null when there is none yet.
 *
 * @throws {DamagedStateError} when the file is there and is not an identity.
 */
export async function readSiteIdentity(folder: string): Promise<Identity | null> {
  let text: string;
  try {
    text = await readFile(join(folder, IDENTITY_FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new DamagedStateError(
      `Cannot read ${IDENTITY_FILE} in the site's folder (${(error as NodeJS.ErrnoException).code}). Check who may read the folder.`,
    );
  }
  try {
    return decodeIdentity(text);
  } catch {
    throw new DamagedStateError(
      `Cannot use ${IDENTITY_FILE} in the site's folder: it is damaged. Restore it from a backup, or remove it and join again with a new invitation.`,
    );
  }
}

/** The identity in the folder; made and kept there when there is none. */
export async function openSiteIdentity(folder: string): Promise<Identity> {
  const kept = await readSiteIdentity(folder);
  if (kept !== null) return kept;
  const identity = generateIdentity();
  await writeFileAtomically(join(folder, IDENTITY_FILE), encodeIdentity(identity));
  return identity;
}

/** Puts other keys in the place of those in the folder: they are the site's in the roster. */
export function replaceSiteIdentity(folder: string, identity: Identity): Promise<void> {
  return writeFileAtomically(join(folder, IDENTITY_FILE), encodeIdentity(identity));
}
