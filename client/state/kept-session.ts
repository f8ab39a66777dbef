/**
 * What this site keeps of a stage's secure-aggregation session, so that a restart says nothing twice: written with fsync
 * before each message leaves, readable by the site's user alone. One file a stage, always of its newest round. The session's
 * secrets stand in it sealed with the site's keys (sealed-at-rest.ts), and go when the round is over for the site.
 */

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Sha256, Slug } from '@wardround/protocols/names.ts';
import type { SiteState } from '@wardround/protocols/secure-aggregation/site-state.ts';
import { DocumentStatement } from '@wardround/protocols/session/document-statement.ts';
import { TrainingFigures } from '@wardround/protocols/session/messages.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { Identity } from '@wardround/shared/crypto/identity.ts';
import { z } from 'zod';
import { namesIn } from './names-in.ts';
import { openAtRest, sealAtRest } from './sealed-at-rest.ts';
import { readSiteIdentity } from './site-identity.ts';
import { DamagedStateError, readStateFile, type StateFile, writeStateFile } from './state-file.ts';

const KeptRound = z.strictObject({
  study: Sha256,
  stage: Slug,
  round: z.int().min(1),
  /** The weights that the vector was trained from. */
  model: Sha256,
  figures: TrainingFigures,
  /** What the cohort's patients have spent in all with this update; null or absent where no budget is kept. */
  epsilon: z.number().min(0).finite().nullable().optional(),
  /** Whether the trained vector still lies in its file: it goes once nothing more is to be masked. */
  hasVector: z.boolean(),
  /** The masked vector, sealed, as it was uploaded. */
  masked: z.strictObject({ blob: Sha256, bytes: z.int().min(1) }).nullable(),
  /** The documents that this site has acted on, as the coordinator signed them, of all attempts. */
  said: z.array(DocumentStatement).max(100).optional(),
});
type KeptRound = z.infer<typeof KeptRound>;

const Party = z.custom<SiteState>((value) => typeof value === 'object' && value !== null && 'phase' in value);

export interface KeptSession extends KeptRound {
  /** What the protocol keeps (protocols/secure-aggregation/site-state.ts), secret; null before the first message. */
  readonly party: SiteState | null;
}

const SealedSession = KeptRound.extend({
  format: z.literal('wardround-site-session/2'),
  sealedParty: z.string().nullable(),
});
/** As releases before wrote it: in plain. The next step writes it anew. */
const PlainSession = KeptRound.extend({ format: z.literal('wardround-site-session/1'), party: Party.nullable() });
const SessionFile = z.discriminatedUnion('format', [SealedSession, PlainSession]);
type SessionFile = z.infer<typeof SessionFile>;

interface StageReference {
  readonly study: Sha256Hex;
  readonly stage: string;
}

const FOLDER = 'sessions';
const REMEDY =
  'Do not restore an old copy: this site could reveal twice what it may reveal once. Revoke the approval of the study instead.';

function fileOf({ study, stage }: StageReference): StateFile<SessionFile> {
  return { name: join(FOLDER, `${study}-${stage}.json`), schema: SessionFile, remedy: REMEDY };
}

/** @throws {DamagedStateError} when the file is damaged, or was sealed with other keys than the site's. */
export async function readKeptSession(folder: string, reference: StageReference): Promise<KeptSession | null> {
  const file = await readStateFile(folder, fileOf(reference));
  if (file === null) return null;
  if (file.format === 'wardround-site-session/1' || file.sealedParty === null) return unseal(file, []);
  const identity = await readSiteIdentity(folder);
  return unseal(file, identity === null ? [] : [identity]);
}

/** Durable when it resolves. @throws {DamagedStateError} when the site has no keys and the session has secrets. */
export async function keepSession(folder: string, session: KeptSession): Promise<void> {
  const identity = session.party === null ? null : await readSiteIdentity(folder);
  await writeStateFile(folder, fileOf(session), sealed(session, identity));
}

/**
 * Seals what is kept with the site's new keys, before they take the place of the old ones. Some may have been sealed with
 * them already, before a stop.
 */
export async function resealSessions(
  folder: string,
  { identity, next }: { readonly identity: Identity; readonly next: Identity },
): Promise<void> {
  for (const name of await namesIn(join(folder, FOLDER))) {
    const [study, stage] = [Sha256.safeParse(name.slice(0, 64)), Slug.safeParse(name.slice(65, -'.json'.length))];
    if (!name.endsWith('.json') || !study.success || !stage.success) continue;
    const reference = { study: study.data, stage: stage.data };
    const file = await readStateFile(folder, fileOf(reference));
    if (file === null) continue;
    await writeStateFile(folder, fileOf(reference), sealed(unseal(file, [next, identity]), next));
  }
}

function sealed({ party, ...session }: KeptSession, identity: Identity | null): SessionFile {
  const round = KeptRound.parse(session);
  const format = 'wardround-site-session/2';
  if (party === null) return { format, ...round, sealedParty: null };
  if (identity === null) throw unusable(round, 'there are no keys to seal its secrets with');
  const plaintext = Buffer.from(JSON.stringify(party));
  const sealedParty = sealAtRest(plaintext, { identity, purpose: purposeOf(round) });
  plaintext.fill(0);
  return { format, ...round, sealedParty };
}

function unseal(file: SessionFile, identities: readonly Identity[]): KeptSession {
  if (file.format === 'wardround-site-session/1') {
    const { format: _, ...session } = file;
    return session;
  }
  const { format: _, sealedParty, ...round } = file;
  if (sealedParty === null) return { ...round, party: null };
  for (const identity of identities) {
    const bytes = openAtRest(sealedParty, { identity, purpose: purposeOf(round) });
    if (bytes === null) continue;
    return { ...round, party: Party.parse(JSON.parse(Buffer.from(bytes).toString())) };
  }
  throw unusable(round, 'its secrets cannot be opened with the keys of this site');
}

/** Secrets of one round do not open beside another's number or weights. */
function purposeOf({ study, stage, round, model, hasVector, masked }: KeptRound): string {
  return JSON.stringify(['wardround-site-session/2', study, stage, round, model, hasVector, masked?.blob ?? null]);
}

function unusable(reference: StageReference, found: string): DamagedStateError {
  return new DamagedStateError(`Cannot use ${fileOf(reference).name} in the site's folder: ${found}. ${REMEDY}`);
}

/** Where the trained vector of the stage's newest round lies. */
export async function vectorFile(folder: string, { study, stage }: StageReference): Promise<string> {
  await mkdir(join(folder, FOLDER), { recursive: true, mode: 0o700 });
  return join(folder, FOLDER, `${study}-${stage}.vector`);
}

export async function dropVector(folder: string, reference: StageReference): Promise<void> {
  await rm(await vectorFile(folder, reference), { force: true });
}
