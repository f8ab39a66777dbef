/** Brings this site's own computation of a stage's weights up to date; weights that do not follow are not used. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ChainLink, type ModelRoute, modelRoute } from '@wardround/protocols/session/model-path.ts';
import { codeBitsOf, type StudyPlan } from '@wardround/protocols/study/plan.ts';
import { stageLayout } from '@wardround/protocols/study/stage-layout.ts';
import { updateVectorBytes } from '@wardround/protocols/transfer/update-code.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { SiteLink } from '../../link/site-link.ts';
import { keepFollowedLinks } from '../../state/followed-links.ts';
import { isWhole } from '../../state/is-whole.ts';
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
  /** The models that plans describe, unless a test has others. */
  readonly layoutOf?: typeof stageLayout | undefined;
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
  const { folder, link, trainer, signal, layoutOf = stageLayout } = context;
  const planned = plan.stages.find(({ name }) => name === stage);
  if (planned === undefined)
    throw new DeclineError('unknown-stage', 'Cannot go on: the plan has no stage of that name.');
  const models = await modelFolder(folder, wanted);
  if (kept?.model === model && (await isWhole(join(models, model), model)))
    return { hash: model, file: join(models, model) };

  const chain = await link.modelChain(study, stage, signal);
  const { gate } = plan.protection;
  const route = modelRoute(chain, { kept: kept && { ...kept, fallback: kept.fallback?.model ?? null }, gate });
  if (route?.model !== model) throw chainBroken();
  const maximumBytes = updateVectorBytes(layoutOf(plan, planned), codeBitsOf(plan));
  let fallback = route.fallbackAfter === 'kept' ? (kept?.fallback ?? null) : null;
  let at: Standing | null = route.from === 'start' ? null : route.from === 'kept' ? kept : (kept?.fallback ?? null);
  const keep = async (standing: Standing, round: number): Promise<void> => {
    const { model: weights, optimiserState, secondMoment } = standing;
    const own = { model: weights, optimiserState, secondMoment };
    const isGated = gate !== undefined && { fallback };
    await keepModel(folder, {
      format: 'wardround-site-model/1',
      study,
      stage,
      initial: chain.initial,
      round,
      ...own,
      ...isGated,
    });
    const needed = new Set(['chain.json', ...filesOf(own), ...(fallback === null ? [] : filesOf(fallback))]);
    for (const name of await readdir(models)) if (!needed.has(name)) await rm(join(models, name), { force: true });
  };
  let done = 0;
  for (const batch of batches(route, gate !== undefined)) {
    if (gate !== undefined && done === route.fallbackAfter && at !== null) fallback = filesIn(at);
    const links = [];
    for (const { sites, sum, cohortSums, model: next } of batch) {
      const fetched: string[] = [];
      for (const hash of cohortSums ?? [sum]) fetched.push(await link.download(hash, { maximumBytes, signal }));
      const ofCohorts = cohortSums !== undefined && { cohortSums: fetched };
      links.push({ sites, sum: fetched[0]!, ...ofCohorts, model: next });
    }
    at = await trainer.run(
      {
        kind: 'advance-model',
        plan,
        stage,
        from: at && { initial: chain.initial, ...filesIn(at) },
        initial: chain.initial,
        links,
        folder: models,
      },
      { signal, onProgress: () => undefined },
    );
    done += batch.length;
    await keep(at, batch.at(-1)?.round ?? 0);
    for (const { sum, cohortSums = [sum] } of links) for (const file of cohortSums) await rm(file, { force: true });
  }
  if (at === null) throw chainBroken();
  if (gate !== undefined && done === route.fallbackAfter) fallback = filesIn(at);
  await keep(at, route.round);
  // What was kept, and what a rollback leads to, lies here already, unless it was lost.
  if (done === 0 && !(await isWhole(join(models, model), model))) return follow(wanted, null, context);
  await keepFollowedLinks(folder, { study, stage, links: chain.links });
  return { hash: model, file: join(models, model) };
}

/** Weights and memories that lie in the folder. */
type Standing = NonNullable<KeptModel['fallback']>;

function filesIn({ model, optimiserState, secondMoment }: Standing): Standing {
  return { model, optimiserState, secondMoment };
}

function filesOf({ model, optimiserState, secondMoment }: Standing): string[] {
  return [model, optimiserState, secondMoment].flatMap((name) => name ?? []);
}

/** The links in the order in which they are computed, those that lead to the fallback apart from those that follow it. */
function batches({ from, links, fallbackAfter }: ModelRoute, isGated: boolean): ChainLink[][] {
  const split = isGated && fallbackAfter !== 'kept' ? fallbackAfter : links.length;
  const found: ChainLink[][] = from === 'start' && split === 0 ? [[]] : [];
  for (const part of [links.slice(0, split), links.slice(split)]) {
    // Links with many sums are taken fewer at a time: what is on the disk stays within as many sums.
    const sums = Math.max(1, ...part.map(({ cohortSums = [] }) => cohortSums.length));
    const atOnce = Math.max(1, Math.floor(LINKS_AT_ONCE / sums));
    for (let first = 0; first < part.length; first += atOnce) found.push(part.slice(first, first + atOnce));
  }
  return found;
}

/** @throws {DeclineError} when the stage did not begin with the weights that follow from the plan. */
export async function requireInitialModel(
  model: { readonly study: Sha256Hex; readonly stage: string; readonly hash: Sha256Hex },
  folder: string,
): Promise<void> {
  const kept = await readKeptModel(folder, model);
  if (kept?.initial !== model.hash) throw chainBroken();
}
