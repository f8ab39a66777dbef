/**
 * Stage two of a study: a patient's slices (already embedded by the frozen slice encoder), clinical values and expression
 * are drawn together in one space by symmetric InfoNCE, as in MEDFORM, over whichever pairs of modalities a patient has.
 *
 * The image pooling and all but the first layer of the tabular encoders travel; the first layers stay at the site. An
 * encoder moves only in steps whose batch contrasts its modality: otherwise neither weight decay nor momentum touches it,
 * so what a site cannot train it returns bit for bit. Each encoder has its own AdamW, and its gradient is clipped by itself.
 */
import type { Scalar, Tensor1D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import type { Modality } from '../modality-pairs.ts';
import { contrastedPatients, contrasts } from '../objectives/contrasts.ts';
import { infoNce } from '../objectives/info-nce.ts';
import { selectRows } from '../ops/select-rows.ts';
import type { AdamWState } from '../optimisers/adamw.ts';
import { flatGradient } from '../optimisers/flat-gradient.ts';
import { learningRateAt } from '../optimisers/learning-rate-schedule.ts';
import { disposeParameters, splitParameters } from '../parameters.ts';
import { type AlignmentBatch, presentModalities } from './alignment-batch.ts';
import type { AlignmentOptions, LocalParameters } from './alignment-options.ts';
import { embedPatients } from './embed-patients.ts';
import { createTrainedEncoders, gradientLayout } from './trained-encoders.ts';

export type { AlignmentBatch } from './alignment-batch.ts';
export type { AlignmentOptions } from './alignment-options.ts';

/** One row per patient of the batch. */
interface AlignedPatients {
  /** [patients, embedding width]: unit rows, zero rows for patients without CT. */
  readonly ct: Float32Array;
  /** The same; null when the site lacks the modality. */
  readonly clinical: Float32Array | null;
  readonly expression: Float32Array | null;
  /** [patients, pooling width]: attention-pooled CT before the projection, zero rows for patients without CT. */
  readonly patient: Float32Array;
}

export interface Alignment {
  /**
   * One optimiser step; resolves to the loss before it, the mean over the pairs of modalities that two or more patients
   * have. `progress` is the share of the whole stage already done, 0 to 1, and sets the learning rate.
   *
   * @throws {NothingToContrastError} when there is no such pair; nothing has changed then.
   * @throws {TypeError} when an array of the batch has the wrong length.
   */
  step(batch: AlignmentBatch, options: { readonly progress: number }): Promise<number>;
  /** The current weights in the form they came in. */
  parameters(): Promise<{ shared: Float32Array; local: LocalParameters }>;
  /** Copies of all that the next step builds on, by modality: another object of the same settings goes on `from` them. */
  state(): Promise<Record<string, AdamWState>>;
  embed(batch: AlignmentBatch): Promise<AlignedPatients>;
  dispose(): void;
}

/** No two patients of a batch have the same two modalities: it teaches nothing and is better left out. */
export class NothingToContrastError extends Error {
  override readonly name = 'NothingToContrastError';
}

/**
 * @throws {TypeError} when a vector's length is not its layout's, or a modality has an input width but no local weights.
 */
export function createAlignment(engine: Engine, options: AlignmentOptions): Alignment {
  const { tf } = engine;
  const start = options.shared.slice();
  const trained = createTrainedEncoders(engine, { ...options, shared: start });
  const widths = {
    slice: options.sliceWidth,
    clinical: options.clinicalInputWidth,
    expression: options.expressionInputWidth,
  };

  return {
    async step(batch, { progress }) {
      const found = contrasts(presentModalities(batch, widths));
      if (found.length === 0) {
        throw new NothingToContrastError(
          'Cannot align the batch: no two of its patients have the same two modalities. Leave it out or join it to another.',
        );
      }
      const learningRate = learningRateAt(progress, options.optimiser);
      const taking = trained
        .filter(({ encoder }) => found.some(({ modalities }) => modalities.includes(encoder.modality)))
        .map((one) => {
          const patients = contrastedPatients(found, one.encoder.modality);
          return { ...one, patients, inputs: one.encoder.load(batch, patients) };
        });
      const parameters = new Map(taking.flatMap(({ optimiser }) => [...optimiser.parameters()]));

      const { value, gradient } = flatGradient<Scalar>(engine, parameters, {
        compute: () => {
          const views = new Map(
            taking.map(({ encoder, patients, inputs }) => {
              const { embedding } = encoder.encode(inputs, parameters);
              return [encoder.modality, { patients, embedding }];
            }),
          );
          const rowsOf = (modality: Modality, wanted: readonly number[]) => {
            const { patients, embedding } = views.get(modality)!;
            if (patients.length === wanted.length) return embedding;
            const indices = wanted.map((patient) => patients.indexOf(patient));
            return selectRows(engine, embedding, { indices });
          };
          const losses = found.map(({ modalities: [a, b], patients }) =>
            infoNce(engine, { a: rowsOf(a, patients), b: rowsOf(b, patients) }, { temperature: options.temperature }),
          );
          return tf.mul(
            losses.reduce((sum, loss) => tf.add(sum, loss)),
            1 / losses.length,
          );
        },
      });
      const gradients = splitParameters(engine, gradientLayout(taking), gradient);
      for (const { encoder, optimiser, inputs } of taking) {
        optimiser.step(gradients.get(encoder.modality) as Tensor1D, { learningRate });
        tf.dispose(inputs);
      }
      disposeParameters(gradients);
      gradient.dispose();
      const [loss] = await value.data<'float32'>();
      value.dispose();
      return loss!;
    },

    async parameters() {
      const shared = start.slice();
      const local: { clinical: Float32Array | null; expression: Float32Array | null } = {
        clinical: null,
        expression: null,
      };
      for (const { encoder, optimiser, offset, sharedSize } of trained) {
        const values = await optimiser.read();
        shared.set(values.subarray(0, sharedSize), offset);
        if (encoder.modality !== 'ct') local[encoder.modality] = values.slice(sharedSize);
      }
      return { shared, local };
    },

    async state() {
      const states: Record<string, AdamWState> = {};
      for (const { encoder, optimiser } of trained) states[encoder.modality] = await optimiser.state();
      return states;
    },

    async embed(batch) {
      const present = presentModalities(batch, widths);
      const rowsOf = async (modality: Modality) => {
        const one = trained.find(({ encoder }) => encoder.modality === modality);
        if (one === undefined) return null;
        const patients = [...present[modality].keys()].filter((patient) => present[modality][patient]);
        return embedPatients(
          engine,
          { encoder: one.encoder, parameters: one.optimiser.parameters() },
          { batch, patients, embeddingWidth: options.embeddingWidth, pooledWidth: options.pooling.width },
        );
      };
      const ct = (await rowsOf('ct'))!;
      return {
        ct: ct.unit,
        clinical: (await rowsOf('clinical'))?.unit ?? null,
        expression: (await rowsOf('expression'))?.unit ?? null,
        patient: ct.pooled,
      };
    },

    dispose() {
      for (const { optimiser } of trained) optimiser.dispose();
    },
  };
}
