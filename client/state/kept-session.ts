/**
 * What this site keeps of a stage's secure-aggregation session, so that a restart says nothing twice: written with fsync
 * before each message leaves, readable by the site's user alone. One file a stage, always of its newest round.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Sha256, Slug } from '@wardround/protocols/names.ts';
import type { SiteState } from '@wardround/protocols/secure-aggregation/site-state.ts';
import { TrainingFigures } from '@wardround/protocols/session/messages.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { z } from 'zod';
import { readStateFile, type StateFile, writeStateFile } from './state-file.ts';

const KeptSession = z.strictObject({
  format: z.literal('wardround-site-session/1'),
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
  /** What the protocol keeps (protocols/secure-aggregation/site-state.ts); null before the first message. */
  party: z.custom<SiteState>((value) => typeof value === 'object' && value !== null && 'phase' in value).nullable(),
  /** The masked vector, sealed, as it was uploaded. */
  masked: z.strictObject({ blob: Sha256, bytes: z.int().min(1) }).nullable(),
});
export type KeptSession = z.infer<typeof KeptSession>;

interface StageReference {
  readonly study: Sha256Hex;
  readonly stage: string;
}

const FOLDER = 'sessions';

function fileOf({ study, stage }: StageReference): StateFile<KeptSession> {
  return {
    name: join(FOLDER, `${study}-${stage}.json`),
    schema: KeptSession,
    remedy:
      'Do not restore an old copy: this site could reveal twice what it may reveal once. Revoke the approval of the study instead.',
  };
}

export function readKeptSession(folder: string, reference: StageReference): Promise<KeptSession | null> {
  return readStateFile(folder, fileOf(reference));
}

/** Durable when it resolves. */
export function keepSession(folder: string, session: KeptSession): Promise<void> {
  return writeStateFile(folder, fileOf(session), session);
}

/** Where the trained vector of the stage's newest round lies. */
export async function vectorFile(folder: string, { study, stage }: StageReference): Promise<string> {
  await mkdir(join(folder, FOLDER), { recursive: true, mode: 0o700 });
  return join(folder, FOLDER, `${study}-${stage}.vector`);
}

export async function dropVector(folder: string, reference: StageReference): Promise<void> {
  await rm(await vectorFile(folder, reference), { force: true });
}
