/** Brings this site's own computation of a stage's weights up to date; weights that do not follow are not used. */
import { access, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { stageLayout } from '@wardround/protocols/study/stage-layout.ts';
import { updateVectorLength } from '@wardround/protocols/transfer/update-code.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { SiteLink } from '../../link/site-link.ts';
import { type KeptModel, keepModel, modelFolder, readKeptModel } from '../../state/kept-model.ts';
import { DeclineError } from '../decline-error.ts';
import type { Trainer } from '../trainer.ts';
import type { ModelFile } from '../worker-messages.ts';
import { chainBroken, KEPT_MODEL_DAMAGED } from './advance-model.ts';

/** So many sums are on the disk at a time; each time the weights are read and written once. */
const LINKS_AT_ONCE = 8;

interface Wanted {
  readonly study: Sha256Hex;
  readonly plan: StudyPlan;
  readonly stage: string;
  readonly model: Sha256Hex;
}

interface ChainContext {
  readonly folder: string;
  readonly link: Pick<SiteLink, 'modelChain' | 'download'>;
  readonly trainer: Pick<Trainer, 'run'>;
  readonly signal: AbortSignal;
}

/**
 * The weights that the coordinator names, computed here.
 *
 * @throws {DeclineError} `model-chain-broken` when they are others.
 */
export async function followModelChain(wanted: Wanted, context: ChainContext): Promise<ModelFile> {
  const kept = await readKeptModel(context.folder, wanted);
  try {
    return await follow(wanted, kept, context);
  } catch (error) {
    if (kept === null || !(error instanceof DeclineError) || error.reason !== KEPT_MODEL_DAMAGED) throw error;
    // All of it follows from the plan and the published sums.
    return await follow(wanted, null, context);
  }
}

async function follow(wanted: Wanted, kept: KeptModel | null, context: ChainContext): Promise<ModelFile> {
  const { study, plan, stage, model } = wanted;
  const { folder, link, trainer, signal } = context;
  const planned = plan.stages.find(({ name }) => name === stage);
  if (planned === undefined)
    throw new DeclineError('unknown-stage', 'Cannot go on: the plan has no stage of that name.');
  const models = await modelFolder(folder, wanted);
  if (kept?.model === model && (await isThere(join(models, model)))) return { hash: model, file: join(models, model) };

  const chain = await link.modelChain(study, stage, signal);
  const isInOrder = chain.links.every(({ round }, index) => round === index + 1);
  const last = kept === null || kept.round === 0 ? null : chain.links[kept.round - 1];
  const isSame = kept === null || (chain.initial === kept.initial && (last === null || last?.model === kept.model));
  if (!isInOrder || !isSame) throw chainBroken();
  const maximumBytes = 4 * updateVectorLength(stageLayout(plan, planned));
  let from = kept;
  do {
    const round = from?.round ?? 0;
    const links = [];
    for (const { sites, sum, model: next } of chain.links.slice(round, round + LINKS_AT_ONCE)) {
      links.push({ sites, sum: await link.download(sum, { maximumBytes, signal }), model: next });
    }
    const advanced = await trainer.run(
      { kind: 'advance-model', plan, stage, from, initial: chain.initial, links, folder: models },
      { signal, onProgress: () => undefined },
    );
    from = { format: 'wardround-site-model/1', study, stage, round: round + links.length, ...advanced };
    await keepModel(folder, from);
    const needed = new Set([advanced.model, advanced.optimiserState, advanced.secondMoment, 'chain.json']);
    for (const name of await readdir(models)) if (!needed.has(name)) await rm(join(models, name), { force: true });
    for (const { sum } of links) await rm(sum, { force: true });
  } while (from.round < chain.links.length);
  if (from.model !== model) throw chainBroken();
  return { hash: model, file: join(models, model) };
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** @throws {DeclineError} when the stage did not begin with the weights that follow from the plan. */
export async function requireInitialModel(
  model: { readonly study: Sha256Hex; readonly stage: string; readonly hash: Sha256Hex },
  folder: string,
): Promise<void> {
  const kept = await readKeptModel(folder, model);
  if (kept?.initial !== model.hash) throw chainBroken();
}
