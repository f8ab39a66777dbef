/** What a study leads to when nothing goes wrong: what it must lead to when something does. */
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { startConsortium } from '../consortium/start-consortium.ts';
import { assertPromises, modelsOf } from '../oracles/promises.ts';

/** @returns the hashes of the weights after each round. */
export async function faultFreeModels(plan: StudyPlan, options: { readonly sites: number }): Promise<string[]> {
  const consortium = await startConsortium(options);
  try {
    const study = await consortium.launch(plan);
    for (const site of consortium.sites) site.start({ where: 'here' });
    const state = await consortium.untilOver(study);
    await assertPromises(consortium, state);
    return modelsOf(state);
  } finally {
    await consortium.close();
  }
}
