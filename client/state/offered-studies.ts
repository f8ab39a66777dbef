/** The plans of studies that the coordinator has offered, kept so that a person can read them at any time. */

import { join } from 'node:path';
import { TimeMillis } from '@wardround/protocols/names.ts';
import { StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { z } from 'zod';
import { namesIn } from './names-in.ts';
import { readStateFile, type StateFile, writeStateFile } from './state-file.ts';

const OfferedStudy = z.strictObject({
  format: z.literal('wardround-offered-study/1'),
  offeredAtMillis: TimeMillis,
  plan: StudyPlan,
});
export type OfferedStudy = z.infer<typeof OfferedStudy>;

const FOLDER = 'studies';

function fileOf(study: Sha256Hex): StateFile<OfferedStudy> {
  return {
    name: `${FOLDER}/${study}.json`,
    schema: OfferedStudy,
    remedy: 'Remove the file: it comes back when the study is next offered.',
  };
}

export function readOfferedStudy(folder: string, study: Sha256Hex): Promise<OfferedStudy | null> {
  return readStateFile(folder, fileOf(study));
}

/** Keeps the plan under its hash; the time of the first offer stays. */
export async function keepOfferedStudy(
  folder: string,
  { study, plan, nowMillis }: { study: Sha256Hex; plan: StudyPlan; nowMillis: number },
): Promise<void> {
  if ((await readOfferedStudy(folder, study).catch(() => null)) !== null) return;
  await writeStateFile(folder, fileOf(study), {
    format: 'wardround-offered-study/1',
    offeredAtMillis: nowMillis,
    plan,
  });
}

/** The hashes of all offered studies. */
export async function listOfferedStudies(folder: string): Promise<Sha256Hex[]> {
  const names = await namesIn(join(folder, FOLDER));
  return names.flatMap((name) => /^([0-9a-f]{64})\.json$/.exec(name)?.[1] ?? []).sort();
}
