/**
 * What rounds leave at a site goes as soon as they are over for it: trained vectors, the secrets of sessions, sealed updates,
 * the places of trainings. That a round was revealed or left behind is remembered: it is never begun again.
 */

import { extname, join } from 'node:path';
import { Sha256, Slug } from '@wardround/protocols/names.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { dropPlace } from '../../state/kept-place.ts';
import { forgetResiduals } from '../../state/kept-residual.ts';
import { readKeptSession } from '../../state/kept-session.ts';
import { dropUpdate, readKeptUpdate } from '../../state/kept-update.ts';
import { namesIn } from '../../state/names-in.ts';
import { pruneOutbox } from '../../state/outbox.ts';
import { forgetTraining } from '../session/kept-training.ts';

interface Round {
  readonly stage: string;
  readonly round: number;
}

/** @param current the round that the study is at; null when it is at none, or this site takes part in it no more. */
export async function forgetRounds(folder: string, study: Sha256Hex, current: Round | null): Promise<void> {
  for (const kept of await keptStages(folder)) {
    if (kept.study !== study) continue;
    const isOver = ({ round }: { readonly round: number }) => kept.stage !== current?.stage || round < current.round;
    const session = await readKeptSession(folder, kept);
    if (session === null ? kept.stage !== current?.stage : isOver(session)) await forgetTraining(folder, kept);
    const update = await readKeptUpdate(folder, kept);
    if (update === null || isOver(update)) await dropUpdate(folder, kept);
    // That of the stage's own earlier round goes when the next one looks for its place.
    if (kept.stage !== current?.stage) await dropPlace(folder, kept);
  }
  await forgetResiduals(folder, { study, but: current?.stage ?? null });
  await pruneOutbox(folder, await keptBlobs(folder));
}

/** The sealed bytes that may have to be sent again, of all studies. */
async function keptBlobs(folder: string): Promise<Set<string>> {
  const blobs = new Set<string>();
  for (const kept of await keptStages(folder)) {
    const session = await readKeptSession(folder, kept);
    if (session?.masked != null) blobs.add(session.masked.blob);
    const update = await readKeptUpdate(folder, kept);
    if (update !== null) blobs.add(update.blob);
  }
  return blobs;
}

/** The studies of which more is kept than what their rounds were. */
export async function studiesToForget(folder: string): Promise<ReadonlySet<Sha256Hex>> {
  const studies = new Set<Sha256Hex>();
  for (const kept of await keptStages(folder)) {
    const session = await readKeptSession(folder, kept);
    const isSaidNoMore = session?.hasVector === false && session.said === undefined;
    const isOnlyRemembered = isSaidNoMore && kept.places.every((place) => place === 'sessions.json');
    if (!isOnlyRemembered) studies.add(kept.study);
  }
  return studies;
}

interface KeptStage {
  readonly study: Sha256Hex;
  readonly stage: string;
  /** Where there is something of it: folders, with the endings of the files there. */
  readonly places: string[];
}

/** The stages that something is kept of. */
async function keptStages(folder: string): Promise<readonly KeptStage[]> {
  const found = new Map<string, KeptStage>();
  for (const store of ['sessions', 'updates', 'training']) {
    for (const name of await namesIn(join(folder, store))) {
      // Each file is named after its study and stage: 64 digits, a hyphen, the stage's name and an ending.
      const [study, stage] = [Sha256.safeParse(name.slice(0, 64)), Slug.safeParse(name.slice(65).split('.')[0])];
      if (study.success && stage.success) {
        const key = name.split('.')[0]!;
        const { places } = found.get(key) ?? { places: [] };
        found.set(key, { study: study.data, stage: stage.data, places: [...places, `${store}${extname(name)}`] });
      }
    }
  }
  return [...found.values()];
}
