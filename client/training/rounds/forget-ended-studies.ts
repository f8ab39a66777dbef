/** What a site keeps for studies that have ended without it goes too: nobody gives it work for them any more. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Sha256 } from '@wardround/protocols/names.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { CoordinatorRefusedError } from '../../link/errors.ts';
import type { SiteLink } from '../../link/site-link.ts';
import { forgetRounds, studiesToForget } from './forget-rounds.ts';

/**
 * Asks of each study that something is kept for whether it is over. Not while a piece of work is being done.
 *
 * @throws what the link throws when the coordinator cannot be reached or understood.
 */
export async function forgetEndedStudies(
  folder: string,
  { link, signal }: { readonly link: Pick<SiteLink, 'studyStanding'>; readonly signal: AbortSignal },
): Promise<void> {
  const models = await modelFolders(folder);
  const studies = new Set([...(await studiesToForget(folder)), ...models.map(({ study }) => study)]);
  for (const study of studies) {
    if (!(await isOver(study, { link, signal }))) continue;
    await forgetRounds(folder, study, null);
    // Weights and the optimiser's memories; which sums they were computed from is kept, for replays.
    for (const { path } of models.filter((one) => one.study === study))
      await rm(path, { recursive: true, force: true });
  }
}

/** A study that the coordinator does not know is none that is over: it may have been restored from an old copy. */
async function isOver(
  study: Sha256Hex,
  { link, signal }: { readonly link: Pick<SiteLink, 'studyStanding'>; readonly signal: AbortSignal },
): Promise<boolean> {
  try {
    return (await link.studyStanding(study, signal)).isOver;
  } catch (error) {
    if (error instanceof CoordinatorRefusedError) return false;
    throw error;
  }
}

async function modelFolders(folder: string): Promise<readonly { study: Sha256Hex; path: string }[]> {
  const parent = join(folder, 'models');
  const entries = await readdir(parent, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return entries.flatMap((entry) => {
    const study = Sha256.safeParse(entry.name.slice(0, 64));
    return entry.isDirectory() && study.success ? [{ study: study.data, path: join(parent, entry.name) }] : [];
  });
}
