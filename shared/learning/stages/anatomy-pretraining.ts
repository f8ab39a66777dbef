/**
 * fVLM (Shui et al. 2025, arXiv 2501.14548): what a vision transformer sees of each organ of a CT volume is to find what the
 * report says of that organ. One object is one local round of one site.
 */
import type { Scalar, Tensor3D } from '@tensorflow/tfjs-core';
import type { PlacedTensor } from '../../tensors/layout.ts';
import { type AnatomyPretrainingSizes, anatomyPretrainingLayout } from '../../tensors/layouts/anatomy-pretraining.ts';
import type { Engine } from '../engine/open-engine.ts';
import { anatomyContrast } from '../objectives/anatomy-contrast.ts';
import { anatomyPairs } from '../objectives/anatomy-pairs.ts';
import { FVLM_TEMPERATURE_BOUNDS } from '../objectives/temperature.ts';
import { type AdamWSettings, createAdamW } from '../optimisers/adamw.ts';
import { fvlmLearningRate } from '../optimisers/fvlm-learning-rate.ts';
import { encodeInParts, type Tower, towersGradient } from '../optimisers/towers-gradient.ts';
import { parameter } from '../parameters.ts';
import { type AnatomyBatch, anatomyLabels, requireAnatomyBatch } from './anatomy-batch.ts';
import { textsOfOrgans, textTower, volumeTower } from './anatomy-towers.ts';
import { embedTower } from './embed-tower.ts';
import { createMomentumTexts, type MomentumTexts } from './momentum-texts.ts';

export interface AnatomyPretrainingOptions {
  readonly sizes: AnatomyPretrainingSizes;
  readonly optimiser: Omit<AdamWSettings, 'decays'> & {
    readonly learningRate: number;
    /** Share of the stage's steps over which the learning rate rises; it ends with the first epoch at the latest. */
    readonly warmUpFraction: number;
    /** How many epochs the stage has: the learning rate falls from one to the next. */
    readonly epochs: number;
  };
  /**
   * How abnormal pairs that say similar things are told from those that do not: by a text encoder that keeps `momentum` of
   * itself at each step (RADAR: 0.995). Not at all unless given.
   */
  readonly momentumTexts?: {
    readonly momentum: number;
    /** Its parameters, where a round goes on from another, in the order of `anatomyTextLayout`; as the trained ones unless given. */
    readonly parameters?: Float32Array;
  };
  /** In the order of `anatomyPretrainingLayout`. Not changed. */
  readonly parameters: Float32Array;
  /** How many volumes and texts pass their encoders at once: bounds memory; all unless given. */
  readonly volumesAtOnce?: number;
  readonly textsAtOnce?: number;
}

export interface AnatomyPretraining {
  /**
   * One optimiser step. Each organ contrasts with that of all other samples of the batch, however many pass at once. A batch
   * that teaches nothing, because every organ is normal or shown once, changes nothing.
   *
   * @param options.progress the share of the whole stage's steps already done, 0 to 1.
   * @returns the loss before the step; NaN if training has diverged.
   * @throws {TypeError} {RangeError} when the batch does not fit the sizes or itself; no tensor is kept then.
   */
  step(batch: AnatomyBatch, options: { readonly progress: number }): Promise<number>;
  /** Organs [samples, organs, embedding width], zeros for absent ones, and texts [texts, embedding width]. */
  embed(batch: AnatomyBatch): Promise<{ readonly organs: Float32Array; readonly texts: Float32Array }>;
  /** A copy of the current parameters, in the order they came. */
  parameters(): Promise<Float32Array>;
  /** The same of the momentum text encoder; null where there is none. */
  momentumTextParameters(): Promise<Float32Array | null>;
  /** Frees all tensors. The object cannot be used afterwards. */
  dispose(): void;
}

/** @throws {TypeError} when the parameters do not fit the layout. */
export function createAnatomyPretraining(engine: Engine, options: AnatomyPretrainingOptions): AnatomyPretraining {
  const { tf } = engine;
  const { sizes, optimiser: settings } = options;
  const adamw = createAdamW(engine, anatomyPretrainingLayout(sizes), {
    ...settings,
    decays,
    bounds: ({ name }) => (name === 'temp' ? FVLM_TEMPERATURE_BOUNDS : null),
    values: options.parameters,
  });
  const momentumTexts =
    options.momentumTexts === undefined
      ? null
      : createMomentumTexts(engine, sizes, { ...options.momentumTexts, trained: options.parameters });

  const towersOf = (batch: AnatomyBatch): { readonly volumes: Tower; readonly texts: Tower } => {
    const model = { parameters: adamw.parameters(), sizes };
    return {
      volumes: volumeTower(engine, batch, { ...model, rowsAtOnce: options.volumesAtOnce ?? batch.samples }),
      texts: textTower(engine, batch, { ...model, rowsAtOnce: options.textsAtOnce ?? batch.texts.count }),
    };
  };

  /** What the momentum encoder makes of the texts of organs; no gradient is taken. The caller disposes it. */
  const momentumTextsOf = (batch: AnatomyBatch, from: MomentumTexts): Tensor3D => {
    // It moves first, as ALBEF's does.
    from.follow(adamw.flat());
    const rowsAtOnce = options.textsAtOnce ?? batch.texts.count;
    const tower = textTower(engine, batch, { parameters: from.parameters(), sizes, rowsAtOnce });
    return tf.tidy(() => textsOfOrgans(engine, encodeInParts(engine, tower), batch));
  };

  return {
    async step(batch, { progress }) {
      requireAnatomyBatch(batch, sizes);
      const learningRate = rateAt(progress, settings);
      const labels = anatomyLabels(batch);
      if (!anatomyPairs(labels).active.includes(true)) return 0;
      const parameters = adamw.parameters();
      const temperature = { divisor: parameter<Scalar>(parameters, 'temp'), bounds: FVLM_TEMPERATURE_BOUNDS };
      const followed = momentumTexts === null ? null : momentumTextsOf(batch, momentumTexts);
      const calibration = followed === null ? undefined : { momentumTexts: followed, temperature };
      const { volumes, texts } = towersOf(batch);
      const { value, gradient } = towersGradient(engine, parameters, {
        towers: [volumes, texts],
        loss: ([ofVolumes, ofTexts]) => {
          const images: Tensor3D = tf.reshape(ofVolumes!, [batch.samples, sizes.organs, sizes.embeddingWidth]);
          const embeddings = { images, texts: textsOfOrgans(engine, ofTexts!, batch) };
          return anatomyContrast(engine, embeddings, { temperature, labels, calibration }).loss;
        },
      });
      adamw.step(gradient, { learningRate });
      gradient.dispose();
      followed?.dispose();
      const [loss] = await value.data();
      value.dispose();
      return loss!;
    },
    async embed(batch) {
      requireAnatomyBatch(batch, sizes);
      const { volumes, texts } = towersOf(batch);
      return { organs: await embedTower(engine, volumes), texts: await embedTower(engine, texts) };
    },
    parameters: adamw.read,
    momentumTextParameters: async () => (momentumTexts === null ? null : momentumTexts.read()),
    dispose() {
      adamw.dispose();
      momentumTexts?.dispose();
    },
  };
}

/** Biases, normalisation scales and the temperature do not decay. */
const decays = ({ shape }: PlacedTensor) => shape.length >= 2;

/** fVLM counts in epochs; here the warm-up's steps are parts of one. */
function rateAt(
  progress: number,
  { learningRate, warmUpFraction, epochs }: AnatomyPretrainingOptions['optimiser'],
): number {
  if (!(progress >= 0 && progress <= 1)) {
    throw new RangeError(`Cannot set the learning rate: progress must be from 0 to 1, found ${progress}`);
  }
  const epoch = Math.floor(progress * epochs);
  const at = { epoch, step: progress * epochs - epoch };
  return fvlmLearningRate(at, { learningRate, epochs, warmUpSteps: warmUpFraction * epochs });
}
