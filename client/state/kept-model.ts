/**
 * The weights of a stage as this site has computed them itself, round by round, from the plan's seed and the published
 * sums, with the server optimiser's memory: what the next round's weights are held against.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Sha256, Slug } from '@wardround/protocols/names.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { z } from 'zod';
import { readStateFile, type StateFile, writeStateFile } from './state-file.ts';

const KeptModel = z.strictObject({
  format: z.literal('wardround-site-model/1'),
  study: Sha256,
  stage: Slug,
  initial: Sha256,
  /** The last link of the chain that was computed; 0 for the weights the stage began with. */
  round: z.int().min(0),
  model: Sha256,
  /** The file of the optimiser's momentum, by its hash. */
  optimiserState: Sha256.nullable(),
  /** That of its second moment. Absent where an earlier version kept both in one file: such a chain begins anew. */
  secondMoment: Sha256.nullable().optional(),
  /** In studies with a gate: what a rollback of the next round may lead to. */
  fallback: z
    .strictObject({ model: Sha256, optimiserState: Sha256.nullable(), secondMoment: Sha256.nullable().optional() })
    .nullable()
    .optional(),
});
export type KeptModel = z.infer<typeof KeptModel>;

interface StageReference {
  readonly study: Sha256Hex;
  readonly stage: string;
}

function fileOf({ study, stage }: StageReference): StateFile<KeptModel> {
  return {
    name: join('models', `${study}-${stage}`, 'chain.json'),
    schema: KeptModel,
    remedy: 'Remove the folder it lies in: the weights are then computed again from the beginning.',
  };
}

export function readKeptModel(folder: string, reference: StageReference): Promise<KeptModel | null> {
  return readStateFile(folder, fileOf(reference));
}

export function keepModel(folder: string, model: KeptModel): Promise<void> {
  return writeStateFile(folder, fileOf(model), model);
}

/** Where the weights and the optimiser's memories of the stage lie, each under its hash. */
export async function modelFolder(folder: string, { study, stage }: StageReference): Promise<string> {
  const path = join(folder, 'models', `${study}-${stage}`);
  await mkdir(path, { recursive: true, mode: 0o700 });
  return path;
}
