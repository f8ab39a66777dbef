/**
 * Lesion-enhanced contrastive pretraining (CLEAR's LeCL, arXiv 2411.16803) on MoCo v3 (Chen et al. 2021, arXiv 2104.02057):
 * two views of each slice pass the encoder, the projector and the predictor and are to find each other's keys, which the
 * momentum encoder makes. One object is one local round of one site.
 */
import type { Scalar, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { ParameterLayout } from '../../tensors/layout.ts';
import { byBatch } from '../encoders/channel-normalisation.ts';
import { MOCO_PREDICTOR, MOCO_PROJECTOR, mocoHead } from '../encoders/moco-heads.ts';
import type { Engine } from '../engine/open-engine.ts';
import { type LeclOptions, lecl } from '../objectives/lecl.ts';
import { type AdamWSettings, createAdamW } from '../optimisers/adamw.ts';
import { cachedGradient } from '../optimisers/cached-gradient.ts';
import { learningRateAt } from '../optimisers/learning-rate-schedule.ts';
import { cosineMomentum, createMomentumEncoder } from '../optimisers/momentum-encoder.ts';
import type { ParameterTensors } from '../parameters.ts';

export interface LesionPretrainingOptions {
  /** What `lesionPretrainingLayout` gives for the encoder. */
  readonly layout: { readonly queries: ParameterLayout; readonly keys: ParameterLayout };
  /** The encoder: images [n, height, width] with pixels 0..1 to [n, encoder width], each image on its own. */
  readonly embed: (engine: Engine, images: Tensor3D, parameters: ParameterTensors) => Tensor2D;
  readonly objective: Omit<LeclOptions, 'lesions'>;
  readonly optimiser: AdamWSettings & {
    readonly learningRate: number;
    /** Share of the stage's steps over which the learning rate rises. */
    readonly warmUpFraction: number;
  };
  /** How much of itself the keys' encoder keeps at each step; with `rises` it grows to 1 over the stage. */
  readonly momentum: { readonly start: number; readonly rises: boolean };
  /** The encoder's parameters, then the projector's and the predictor's, in layout order. Not changed. */
  readonly parameters: Float32Array;
  /** The keys' encoder and projector, where a round goes on from another; as the queries' unless given. Not changed. */
  readonly keyParameters?: Float32Array;
  /** How many images pass the encoder at once: bounds memory; all unless given. */
  readonly imagesAtOnce?: number;
}

export interface LesionPretraining {
  /**
   * One optimiser step on two views of the same n >= 2 slices, [n, height, width] each, with pixels 0..1: for a slice with a
   * lesion, the whole slice and a crop around the lesion.
   *
   * @param options.lesions which slices show a lesion.
   * @param options.progress the share of the whole stage's steps already done, 0 to 1.
   * @returns the loss before the step; NaN if training has diverged.
   * @throws {RangeError} when views and flags do not fit together.
   */
  step(
    views: { readonly whole: Tensor3D; readonly crop: Tensor3D },
    options: { readonly lesions: readonly boolean[]; readonly progress: number },
  ): Promise<number>;
  /** A copy of the current parameters, in the order they came. */
  parameters(): Promise<Float32Array>;
  /** The same of the keys' encoder and projector. */
  keyParameters(): Promise<Float32Array>;
  /** Frees all tensors. The object cannot be used afterwards. */
  dispose(): void;
}

/** @throws {TypeError} when the parameters do not fit the layout. */
export function createLesionPretraining(engine: Engine, options: LesionPretrainingOptions): LesionPretraining {
  const { tf } = engine;
  const { layout, objective, optimiser: settings, momentum } = options;
  const imagesAtOnce = options.imagesAtOnce ?? Number.POSITIVE_INFINITY;
  const queries = createAdamW(engine, layout.queries, { ...settings, values: options.parameters });
  const keys = createMomentumEncoder(engine, layout.keys, {
    values: options.keyParameters ?? options.parameters.slice(0, layout.keys.size),
  });

  /** The heads normalise over the batch, and each view is a batch of its own. */
  const headed = (embeddings: Tensor2D, parameters: ParameterTensors, prefixes: readonly string[]): Views => {
    const normalise = byBatch(engine, parameters);
    const [whole, crop] = halves(engine, embeddings).map((view) =>
      prefixes.reduce((x, prefix) => mocoHead(engine, x, { parameters, prefix, normalise }), view),
    ) as [Tensor2D, Tensor2D];
    return { whole, crop };
  };

  /** What the momentum encoder makes of the views, in parts; no gradient is taken. The caller disposes them. */
  const keysOf = (images: Tensor3D): Views =>
    tf.tidy(() => {
      const parameters = keys.parameters();
      const [count, height, width] = images.shape;
      const parts: Tensor2D[] = [];
      for (let first = 0; first < count; first += imagesAtOnce) {
        const size = [Math.min(imagesAtOnce, count - first), height, width] as [number, number, number];
        parts.push(tf.tidy(() => options.embed(engine, tf.slice(images, [first, 0, 0], size), parameters)));
      }
      return headed(tf.concat(parts) as Tensor2D, parameters, [MOCO_PROJECTOR]);
    });

  return {
    async step(views, { lesions, progress }) {
      requireViews(views, lesions);
      const learningRate = learningRateAt(progress, settings);
      const images: Tensor3D = tf.concat([views.whole, views.crop]);
      // The keys' encoder moves first, as MoCo v3's does.
      keys.follow(queries.flat(), momentum.rises ? cosineMomentum(progress, momentum) : momentum.start);
      const fixed = keysOf(images);
      const parameters = queries.parameters();
      const contrast = (own: Tensor2D, other: Tensor2D) =>
        lecl(engine, { queries: own, keys: other }, { ...objective, lesions });
      const { value, gradient } = cachedGradient(engine, parameters, {
        inputs: images,
        inputsAtOnce: imagesAtOnce,
        encode: (part) => options.embed(engine, part, parameters),
        loss: (embeddings) => {
          const predicted = headed(embeddings, parameters, [MOCO_PROJECTOR, MOCO_PREDICTOR]);
          return tf.add(contrast(predicted.whole, fixed.crop), contrast(predicted.crop, fixed.whole)) as Scalar;
        },
      });
      queries.step(gradient, { learningRate });
      tf.dispose([images, gradient, fixed.whole, fixed.crop]);
      const [loss] = await value.data();
      value.dispose();
      return loss!;
    },
    parameters: queries.read,
    keyParameters: keys.read,
    dispose() {
      queries.dispose();
      keys.dispose();
    },
  };
}

/** Of each slice, one row a view. A type, because scopes return no interfaces. */
type Views = { readonly whole: Tensor2D; readonly crop: Tensor2D };

function requireViews(views: { readonly whole: Tensor3D; readonly crop: Tensor3D }, lesions: readonly boolean[]): void {
  const [whole, crop] = [views.whole.shape, views.crop.shape];
  if (whole[0] < 2 || whole.join() !== crop.join() || lesions.length !== whole[0]) {
    throw new RangeError(
      `Cannot take a step: two views and a lesion flag of each of at least two slices are needed, found views [${whole.join(', ')}] and [${crop.join(', ')}] and ${lesions.length} flags`,
    );
  }
}

function halves({ tf }: Engine, rows: Tensor2D): [Tensor2D, Tensor2D] {
  const [count, width] = rows.shape;
  return [0, count / 2].map((first) => tf.slice(rows, [first, 0], [count / 2, width])) as [Tensor2D, Tensor2D];
}
