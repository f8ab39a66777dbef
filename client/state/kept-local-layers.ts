/**
 * The site's own first layers after each round, as safetensors in the site's folder.
 *
 * Two rounds are kept: a site that was stopped before its update was accepted trains the round again, and must begin with
 * the layers from before that round.
 */

import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { decodeSafetensors, encodeSafetensors } from '@wardround/shared/tensors/safetensors.ts';
import type { LocalLayers } from '../training/local-layers.ts';
import { writeFileAtomically } from './atomic-file.ts';
import { namesIn } from './names-in.ts';
import { DamagedStateError } from './state-file.ts';

export interface LocalLayersPlace {
  readonly study: Sha256Hex;
  readonly stage: string;
}

const ROUNDS_KEPT = 2;
const MODALITIES = ['clinical', 'expression'] as const;

function folderOf(folder: string, { study, stage }: LocalLayersPlace): string {
  return join(folder, 'local-layers', study, stage);
}

async function keptRounds(folder: string): Promise<number[]> {
  const names = await namesIn(folder);
  return names.flatMap((name) => Number(/^([1-9]\d{0,5})\.safetensors$/.exec(name)?.[1] ?? [])).sort((a, b) => a - b);
}

/**
 * The layers after the latest round before `beforeRound`; null when there are none.
 *
 * @throws {DamagedStateError} when the file is damaged.
 */
export async function readLocalLayers(
  folder: string,
  place: LocalLayersPlace & { readonly beforeRound: number },
): Promise<LocalLayers | null> {
  const round = (await keptRounds(folderOf(folder, place))).findLast((candidate) => candidate < place.beforeRound);
  if (round === undefined) return null;
  try {
    const { tensors } = decodeSafetensors(await readFile(join(folderOf(folder, place), `${round}.safetensors`)));
    const layersOf = (modality: string) => {
      const data = tensors.get(modality)?.data;
      return data instanceof Float32Array ? data : null;
    };
    return { clinical: layersOf('clinical'), expression: layersOf('expression') };
  } catch {
    throw new DamagedStateError(
      "Cannot use the site's own layers of this study: their file is damaged. Remove the folder local-layers in the site's folder; the layers start anew.",
    );
  }
}

/** Keeps the layers after a round and drops those that no repetition can need. */
export async function writeLocalLayers(
  folder: string,
  { layers, round, ...place }: LocalLayersPlace & { readonly round: number; readonly layers: LocalLayers },
): Promise<void> {
  const target = folderOf(folder, place);
  await mkdir(target, { recursive: true, mode: 0o700 });
  const tensors = MODALITIES.flatMap((name) => {
    const data = layers[name];
    return data === null ? [] : [{ name, shape: [data.length], data }];
  });
  await writeFileAtomically(join(target, `${round}.safetensors`), encodeSafetensors(tensors));
  const rounds = await keptRounds(target);
  const needed = new Set(rounds.filter((kept) => kept <= round).slice(-ROUNDS_KEPT));
  for (const kept of rounds) {
    if (!needed.has(kept)) await rm(join(target, `${kept}.safetensors`), { force: true });
  }
}
