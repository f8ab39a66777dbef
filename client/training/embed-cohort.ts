/** Embeddings of all slices of the cohort under one slice encoder, standardised as this site's training slices are. */
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { Engine } from '@wardround/shared/learning/engine/open-engine.ts';
import { embedSlices } from '@wardround/shared/learning/stages/embed-slices.ts';
import { vitSizes } from '@wardround/shared/tensors/layouts/vit.ts';
import type { Cohort } from '../data/cohort.ts';
import { readSlices } from '../data/slice-images.ts';
import { standardiseSlices } from './standardise-slices.ts';
import { betweenSteps, type Steering } from './steering.ts';

/** Handed to the encoder at once, 64 MB: bounds the copy, while the encoder chooses its own batches and threads inside. */
const PIXELS_AT_ONCE = 2 ** 24;

/**
 * @param parameters the pretraining stage's weights
 * @returns [slices of the cohort, slice width]
 */
export async function embedCohort(
  { engine, cohort }: { engine: Engine; cohort: Cohort },
  { plan, parameters }: { plan: StudyPlan; parameters: Float32Array },
  { signal, onProgress }: Steering,
): Promise<Float32Array> {
  const { architecture } = plan.encoders.slice;
  const { width } = vitSizes(architecture);
  const total = cohort.images.count;
  const embeddings = new Float32Array(total * width);
  const slicesAtOnce = Math.max(1, Math.floor(PIXELS_AT_ONCE / plan.imaging.sizePixels ** 2));
  const startMillis = performance.now();
  for (let first = 0; first < total; first += slicesAtOnce) {
    const count = Math.min(slicesAtOnce, total - first);
    const images = readSlices(
      cohort.images,
      Int32Array.from({ length: count }, (_, index) => first + index),
    );
    const report = (done: number) =>
      onProgress({
        done: first + done,
        total,
        loss: null,
        perSecond: ((first + done) * 1000) / Math.max(1, performance.now() - startMillis),
      });
    const embedded = await embedSlices(engine, {
      architecture,
      imageSizePixels: plan.imaging.sizePixels,
      parameters,
      images,
      count,
      onProgress: report,
      signal,
    });
    embeddings.set(embedded, first * width);
    report(count);
    await betweenSteps(signal);
  }
  return standardiseSlices(cohort, { embeddings, width });
}
