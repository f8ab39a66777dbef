/** Of which sums this site has computed a stage's weights, as the coordinator named them then: what a replay is held against. */
import { join } from 'node:path';
import { Sha256, Slug } from '@wardround/protocols/names.ts';
import { ModelChain } from '@wardround/protocols/session/messages.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { z } from 'zod';
import { readStateFile, type StateFile, writeStateFile } from './state-file.ts';

type Links = ModelChain['links'];

const FollowedLinks = z.strictObject({
  format: z.literal('wardround-followed-links/1'),
  study: Sha256,
  stage: Slug,
  links: ModelChain.shape.links,
});

interface StageReference {
  readonly study: Sha256Hex;
  readonly stage: string;
}

function fileOf({ study, stage }: StageReference): StateFile<z.infer<typeof FollowedLinks>> {
  return {
    name: join('models', `${study}-${stage}.links.json`),
    schema: FollowedLinks,
    remedy: 'Remove it: rounds are then replayed against what the coordinator names now.',
  };
}

/** In order of their rounds; empty when there are none yet. */
export async function readFollowedLinks(folder: string, reference: StageReference): Promise<Links> {
  return (await readStateFile(folder, fileOf(reference)))?.links ?? [];
}

/** Adds the links that are new; those from before stay as they were. */
export async function keepFollowedLinks(
  folder: string,
  { study, stage, links }: StageReference & { readonly links: Links },
): Promise<void> {
  const before = await readFollowedLinks(folder, { study, stage });
  if (links.length <= before.length) return;
  const all = [...before, ...links.slice(before.length)];
  await writeStateFile(folder, fileOf({ study, stage }), {
    format: 'wardround-followed-links/1',
    study,
    stage,
    links: all,
  });
}
