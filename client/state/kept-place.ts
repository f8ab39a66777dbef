/**
 * Where the training of a round stands, in the site's folder: a safetensors file under the hash of its content, readable by
 * the site's user alone. It never leaves the site. One a stage; it goes when the round is trained or another one begins.
 */

import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeBase64Url, encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import { type Sha256Hex, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import type { AdamWState } from '@wardround/shared/learning/optimisers/adamw.ts';
import { decodeSafetensors } from '@wardround/shared/tensors/safetensors.ts';
import { encodeHeader } from '@wardround/shared/tensors/safetensors-header.ts';
import type { TrainingPlace } from '../training/place-keeper.ts';
import { createGrowingFile } from './growing-file.ts';
import { namesIn } from './names-in.ts';

const FORMAT = 'wardround-training-place/1';
const FOLDER = 'training';
const VECTORS = ['values', 'firstMoment', 'secondMoment'] as const;

interface StageReference {
  readonly study: Sha256Hex;
  readonly stage: string;
}

/** What a training is made from: a place is of use to the same training only. */
export interface PlacedTraining extends StageReference {
  readonly round: number;
  /** The weights that it starts from. */
  readonly model: Sha256Hex;
  readonly sliceEncoder: Sha256Hex | null;
  /** The site's own first layers that it starts from. */
  readonly local: Sha256Hex | null;
  readonly data: Sha256Hex;
}

/** The kept place of that training; null where there is none that can be used. Any other of the stage is removed. */
export async function readPlace(folder: string, training: PlacedTraining): Promise<TrainingPlace | null> {
  let best: { readonly name: string; readonly place: TrainingPlace } | null = null;
  const names = await placesOf(folder, training);
  for (const name of names) {
    const place = parsePlace(await readFile(join(folder, FOLDER, name)), { hash: name.slice(-64), training });
    // Two lie there when the site stopped between writing one and removing the one before.
    if (place !== null && (best === null || place.steps > best.place.steps)) best = { name, place };
  }
  for (const name of names) if (name !== best?.name) await rm(join(folder, FOLDER, name), { force: true });
  return best?.place ?? null;
}

/** Durable when it resolves; the place before is gone then. */
export async function keepPlace(folder: string, training: PlacedTraining, place: TrainingPlace): Promise<void> {
  const tensors = Object.entries(place.optimisers).flatMap(([name, state]) =>
    VECTORS.map((vector) => ({ name: `${name}/${vector}`, shape: [state[vector].length], data: state[vector] })),
  );
  const optimiserSteps = Object.fromEntries(Object.entries(place.optimisers).map(([name, { steps }]) => [name, steps]));
  const metadata = {
    format: FORMAT,
    training: canonicalJson(training),
    steps: String(place.steps),
    optimiserSteps: JSON.stringify(optimiserSteps),
    sums: JSON.stringify(place.sums),
    ...(place.secret !== null && { secret: encodeBase64Url(place.secret) }),
  };
  const pieces = [encodeHeader(tensors, metadata), ...tensors.map(({ data }) => littleEndianBytes(data))];
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  const name = `${prefixOf(training)}${hash.digest('hex')}`;
  await using file = await createGrowingFile(join(folder, FOLDER));
  await file.write(...pieces);
  await file.keepAs(name);
  for (const before of await placesOf(folder, training)) {
    if (before !== name) await rm(join(folder, FOLDER, before), { force: true });
  }
}

/** When the round is trained, or is not trained any more. */
export async function dropPlace(folder: string, reference: StageReference): Promise<void> {
  for (const name of await placesOf(folder, reference)) await rm(join(folder, FOLDER, name), { force: true });
}

function prefixOf({ study, stage }: StageReference): string {
  return `${study}-${stage}.`;
}

/** The stage's files, and whatever a write left that was interrupted. */
async function placesOf(folder: string, reference: StageReference): Promise<string[]> {
  const names = await namesIn(join(folder, FOLDER));
  return names.filter((name) => name.startsWith(prefixOf(reference)) || name.endsWith('.tmp'));
}

/** Null for what is damaged or of another training: it is trained anew then, which costs time and nothing else. */
function parsePlace(
  bytes: Uint8Array,
  { hash, training }: { readonly hash: string; readonly training: PlacedTraining },
): TrainingPlace | null {
  if (sha256Hex(bytes) !== hash) return null;
  const { tensors, metadata } = decodeSafetensors(bytes);
  if (metadata.format !== FORMAT || metadata.training !== canonicalJson(training)) return null;
  const vector = (name: string) => tensors.get(name)?.data as Float32Array;
  const optimisers: Record<string, AdamWState> = {};
  for (const [name, steps] of Object.entries(JSON.parse(metadata.optimiserSteps!) as Record<string, number>)) {
    const [values, firstMoment, secondMoment] = VECTORS.map((of) => vector(`${name}/${of}`)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    optimisers[name] = { steps, values, firstMoment, secondMoment };
  }
  return {
    steps: Number(metadata.steps),
    optimisers,
    sums: JSON.parse(metadata.sums!) as Record<string, number>,
    secret: metadata.secret === undefined ? null : decodeBase64Url(metadata.secret, { length: 32 }),
  };
}
