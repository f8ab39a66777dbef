/**
 * A round's sealed update that the coordinator has not acknowledged yet, so that a restart sends the same bytes again instead
 * of training again. One a stage; the sealed bytes lie in the outbox.
 */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Sha256, Slug } from '@wardround/protocols/names.ts';
import { TrainingFigures } from '@wardround/protocols/session/messages.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { z } from 'zod';
import { outboxFile } from './outbox.ts';
import { readStateFile, type StateFile, writeStateFile } from './state-file.ts';

const KeptUpdate = z.strictObject({
  format: z.literal('wardround-site-update/1'),
  study: Sha256,
  stage: Slug,
  round: z.int().min(1),
  /** The weights that it was trained from. */
  model: Sha256,
  /** How many sites the round invited: it fixes the scale of the update's numbers. */
  sites: z.int().min(1),
  /** The coordinator's key that it is sealed to, base64url. */
  sealingKey: z.string(),
  blob: Sha256,
  bytes: z.int().min(1),
  layout: Sha256,
  figures: TrainingFigures,
  /** What the cohort's patients have spent in all with this update; null where no budget is kept. */
  epsilon: z.number().min(0).finite().nullable(),
  /** Whether it left out something that the next update of the stage is to bring. */
  hasResidual: z.boolean(),
});
export type KeptUpdate = z.infer<typeof KeptUpdate>;

interface StageReference {
  readonly study: Sha256Hex;
  readonly stage: string;
}

function fileOf({ study, stage }: StageReference): StateFile<KeptUpdate> {
  return {
    name: join('updates', `${study}-${stage}.json`),
    schema: KeptUpdate,
    remedy: 'Remove the file: the round is then trained again.',
  };
}

/** Null where there is none, or its sealed bytes are not there. */
export async function readKeptUpdate(folder: string, reference: StageReference): Promise<KeptUpdate | null> {
  const kept = await readStateFile(folder, fileOf(reference));
  if (kept === null) return null;
  const found = await stat(outboxFile(folder, kept.blob)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return found?.size === kept.bytes ? kept : null;
}

/** Durable when it resolves; the sealed bytes must be. */
export function keepUpdate(folder: string, update: KeptUpdate): Promise<void> {
  return writeStateFile(folder, fileOf(update), update);
}

/** With its sealed bytes. */
export async function dropUpdate(folder: string, reference: StageReference): Promise<void> {
  const kept = await readStateFile(folder, fileOf(reference));
  if (kept === null) return;
  await rm(outboxFile(folder, kept.blob), { force: true });
  await rm(join(folder, fileOf(reference).name), { force: true });
}
