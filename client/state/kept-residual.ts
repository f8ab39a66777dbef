/**
 * What this site's coded updates of a stage have left out so far, which is added to its next one (error feedback,
 * transfer/update-code.ts). The numbers lie in files under their hashes; which of them counts stands in one small file.
 *
 * The rule: a round's residual counts once its update is known to have moved the model. Until then it is a candidate, and
 * where the update is found not to have counted (the site dropped out, the round was skipped or rolled back) the candidate
 * goes and the residual from before is used again. The lost update itself is not carried over: the next one is trained
 * anew from the weights that the others have reached, and would contain it twice.
 *
 * A candidate is taken to have counted when its update was taken up and the stage's weights are no longer those it was
 * trained from. Where that is mistaken, because weights moved by others' rounds in between, the error is at most what one
 * update leaves out.
 */

import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Sha256, Slug } from '@wardround/protocols/names.ts';
import { type Sha256Hex, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { float32FromBytes, littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { z } from 'zod';
import { writeFileAtomically } from './atomic-file.ts';
import { namesIn } from './names-in.ts';
import { readStateFile, type StateFile, writeStateFile } from './state-file.ts';

const KeptResidual = z.strictObject({
  format: z.literal('wardround-site-residual/1'),
  study: Sha256,
  stage: Slug,
  /** What counts, by the hash of its file; null before the first update that counted. */
  carried: Sha256.nullable(),
  candidate: z
    .strictObject({
      round: z.int().min(1),
      /** The weights that the update was trained from. */
      model: Sha256,
      residual: Sha256,
      /** Whether the coordinator has acknowledged the update; with secure aggregation the session says it. */
      isTakenUp: z.boolean(),
    })
    .nullable(),
});
type KeptResidual = z.infer<typeof KeptResidual>;
type Candidate = NonNullable<KeptResidual['candidate']>;

interface StageReference {
  readonly study: Sha256Hex;
  readonly stage: string;
}
interface RoundReference extends StageReference {
  readonly round: number;
  readonly model: Sha256Hex;
}

function fileOf({ study, stage }: StageReference): StateFile<KeptResidual> {
  return {
    name: join('residuals', `${study}-${stage}`, 'residual.json'),
    schema: KeptResidual,
    remedy: 'Remove the folder it lies in: what rounding left out of earlier updates is then lost, and nothing else.',
  };
}

async function read(folder: string, { study, stage }: StageReference): Promise<KeptResidual> {
  const none = { format: 'wardround-site-residual/1', study, stage, carried: null, candidate: null } as const;
  return (await readStateFile(folder, fileOf({ study, stage }))) ?? none;
}

async function residualFolder(folder: string, { study, stage }: StageReference): Promise<string> {
  const path = join(folder, 'residuals', `${study}-${stage}`);
  await mkdir(path, { recursive: true, mode: 0o700 });
  return path;
}

/** Writes the numbers of a residual, durable when it resolves. @returns its name for `proposeResidual`. */
export async function writeResidual(path: string, residual: Float32Array): Promise<Sha256Hex> {
  const bytes = littleEndianBytes(residual);
  const hash = sha256Hex(bytes);
  await writeFileAtomically(join(path, hash), bytes);
  return hash;
}

/**
 * The numbers of a residual: zeros where there is none, or where it is damaged, as all that is lost then is a rounding.
 *
 * @returns an array of its own, to be written into.
 */
export async function readResidual(
  { path, carried }: { readonly path: string; readonly carried: Sha256Hex | null },
  size: number,
): Promise<Float32Array> {
  if (carried === null) return new Float32Array(size);
  const bytes = await readFile(join(path, carried)).catch(() => null);
  const isWhole = bytes !== null && bytes.length === 4 * size && sha256Hex(bytes) === carried;
  return isWhole ? Float32Array.from(float32FromBytes(bytes)) : new Float32Array(size);
}

/**
 * Decides about the candidate of an earlier round, before a new one is trained.
 *
 * @param options `isTakenUp` tells whether the update was taken up where no acknowledgement said so.
 * @returns the folder of the stage's residuals, and which of them is to be added; null for none. What else lies there is
 *   removed.
 */
export async function settleResidual(
  folder: string,
  round: RoundReference,
  options: { readonly isTakenUp: (candidate: Candidate) => Promise<boolean> },
): Promise<{ readonly path: string; readonly carried: Sha256Hex | null }> {
  const path = await residualFolder(folder, round);
  const kept = await read(folder, round);
  const { candidate } = kept;
  let { carried } = kept;
  if (candidate !== null) {
    const hasMoved = candidate.round < round.round && candidate.model !== round.model;
    if (hasMoved && (candidate.isTakenUp || (await options.isTakenUp(candidate)))) carried = candidate.residual;
    await writeStateFile(folder, fileOf(round), { ...kept, carried, candidate: null });
  }
  for (const name of await readdir(path)) {
    if (name !== 'residual.json' && name !== carried) await rm(join(path, name), { force: true });
  }
  return { path, carried: carried as Sha256Hex | null };
}

/** Names what the round's update left out; durable when it resolves. */
export async function proposeResidual(
  folder: string,
  { residual, ...round }: RoundReference & { readonly residual: Sha256Hex },
): Promise<void> {
  const candidate = { round: round.round, model: round.model, residual, isTakenUp: false };
  await writeStateFile(folder, fileOf(round), { ...(await read(folder, round)), candidate });
}

/** What is left of the study's stages goes, but that of the one that is still trained. */
export async function forgetResiduals(
  folder: string,
  { study, but }: { readonly study: Sha256Hex; readonly but: string | null },
): Promise<void> {
  for (const name of await namesIn(join(folder, 'residuals'))) {
    const isOver = name.startsWith(`${study}-`) && name !== `${study}-${but}`;
    if (isOver) await rm(join(folder, 'residuals', name), { recursive: true, force: true });
  }
}

/** The coordinator has acknowledged the round's update. */
export async function acknowledgeResidual(folder: string, round: StageReference & { readonly round: number }) {
  const kept = await read(folder, round);
  if (kept.candidate?.round !== round.round) return;
  await writeStateFile(folder, fileOf(round), { ...kept, candidate: { ...kept.candidate, isTakenUp: true } });
}
