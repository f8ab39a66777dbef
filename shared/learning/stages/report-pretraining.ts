/**
 * MaCo (Huang et al. 2024, arXiv 2309.05904): a masked autoencoder predicts the patches of radiographs that it does not
 * see, and what it makes of those it sees is to find the radiograph's report. One object is one local round of one site.
 */
import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import { createRandom } from '../../random/seeded-random.ts';
import type { PlacedTensor } from '../../tensors/layout.ts';
import {
  type ReportPretrainingSizes,
  reportPretrainingGrid,
  reportPretrainingLayout,
} from '../../tensors/layouts/report-pretraining.ts';
import { type SinCosConvention, sinCosPositions } from '../../tensors/positions/sin-cos-positions.ts';
import { type PatchMask, patchMask, visibility, withoutMask } from '../encoders/patch-mask.ts';
import type { Engine } from '../engine/open-engine.ts';
import { macoContrast, macoLoss, sampleWeights } from '../objectives/maco.ts';
import { type AdamWSettings, createAdamW } from '../optimisers/adamw.ts';
import { learningRateAt } from '../optimisers/learning-rate-schedule.ts';
import { type Tower, towersGradient } from '../optimisers/towers-gradient.ts';
import { type ParameterTensors, parameter } from '../parameters.ts';
import { embedTower } from './embed-tower.ts';
import { type ReportBatch, requireReportBatch } from './report-batch.ts';
import { encodeImages, encodeReports } from './report-towers.ts';

export interface ReportPretrainingOptions {
  readonly sizes: ReportPretrainingSizes;
  /** The share of each image's patches that is removed; MaCo's 0.5 unless given. */
  readonly maskRatio?: number;
  /** The reconstruction's share of the loss (the paper's lambda); null adds both losses, as the released code does. */
  readonly reconstructionShare?: number | null;
  /** Whether predicted patches are brought to mean 0 and variance 1 first; they are not unless given. */
  readonly normalisedTargets?: boolean;
  /** The fixed positions, which must be those that the encoder was trained with before; MaCo's unless given. */
  readonly positions?: SinCosConvention;
  readonly optimiser: Omit<AdamWSettings, 'decays'> & {
    readonly learningRate: number;
    /** Share of the stage's steps over which the learning rate rises. */
    readonly warmUpFraction: number;
  };
  /** Which patches are removed follows from it. */
  readonly seed: number | string;
  /** In the order of `reportPretrainingLayout`. Not changed. */
  readonly parameters: Float32Array;
  /** How many images and texts pass their encoders at once: bounds memory; all unless given. */
  readonly imagesAtOnce?: number;
  readonly textsAtOnce?: number;
}

export interface ReportPretraining {
  /**
   * One optimiser step. Each sample contrasts with all others of the batch, however many pass at once.
   *
   * @param options.progress the share of the whole stage's steps already done, 0 to 1.
   * @returns the loss before the step; NaN if training has diverged.
   * @throws {TypeError} {RangeError} when the batch does not fit the sizes or itself; no tensor is kept then.
   */
  step(batch: ReportBatch, options: { readonly progress: number }): Promise<number>;
  /** What the encoders make of whole images and of reports, [samples, text width] each. */
  embed(batch: ReportBatch): Promise<{ readonly images: Float32Array; readonly texts: Float32Array }>;
  /** A copy of the current parameters, in the order they came. */
  parameters(): Promise<Float32Array>;
  /** Frees all tensors. The object cannot be used afterwards. */
  dispose(): void;
}

/**
 * @throws {TypeError} when the parameters do not fit the layout.
 * @throws {RangeError} when the mask ratio leaves no patch or removes none.
 */
export function createReportPretraining(engine: Engine, options: ReportPretrainingOptions): ReportPretraining {
  const { tf } = engine;
  const {
    sizes,
    optimiser: settings,
    maskRatio = 0.5,
    reconstructionShare = null,
    normalisedTargets = false,
  } = options;
  const patchesPerImage = reportPretrainingGrid(sizes) ** 2;
  const visiblePerImage = visiblePatches(patchesPerImage, maskRatio);
  const tables = positionTables(options);
  const random = createRandom(options.seed);
  const layout = reportPretrainingLayout(sizes);
  const adamw = createAdamW(engine, layout, { ...settings, decays, values: options.parameters });
  const fixed = tables.map(
    ({ name, values }) =>
      [name, tf.tensor(values, [1 + patchesPerImage, values.length / (1 + patchesPerImage)])] as const,
  );
  let steps = 0;

  const towersOf = (batch: ReportBatch, mask: PatchMask): readonly [Tower, Tower] => {
    const model = {
      parameters: new Map([...adamw.parameters(), ...fixed]),
      sizes,
      normalisedTargets,
      reconstructionShare,
    };
    return [
      {
        rows: batch.samples,
        rowsAtOnce: options.imagesAtOnce ?? batch.samples,
        encode: (range) => encodeImages(engine, { batch, mask, range }, model),
      },
      {
        rows: batch.samples,
        rowsAtOnce: options.textsAtOnce ?? batch.samples,
        encode: (range) => encodeReports(engine, { batch, range }, model),
      },
    ];
  };

  return {
    async step(batch, { progress }) {
      requireReportBatch(batch, sizes);
      const learningRate = learningRateAt(progress, settings);
      const images = batch.samples;
      const draws = random.fork(`step/${steps}`);
      const noise = Float64Array.from({ length: images * patchesPerImage }, () => draws.next());
      const mask = patchMask(noise, { images, visiblePerImage });
      const parameters = adamw.parameters();
      const { value, gradient } = towersGradient(engine, parameters, {
        towers: towersOf(batch, mask),
        loss: ([ofImages, ofTexts]) => {
          const contrast = contrastOf(engine, { images: ofImages!, texts: ofTexts! }, { mask, parameters });
          return macoLoss(engine, { reconstruction: tf.scalar(0), contrast }, { reconstructionShare });
        },
      });
      adamw.step(gradient, { learningRate });
      steps += 1;
      gradient.dispose();
      const [loss] = await value.data();
      value.dispose();
      return loss!;
    },
    async embed(batch) {
      requireReportBatch(batch, sizes);
      const [ofImages, ofTexts] = towersOf(batch, withoutMask({ images: batch.samples, patchesPerImage }));
      return { images: await embedTower(engine, ofImages), texts: await embedTower(engine, ofTexts) };
    },
    parameters: adamw.read,
    dispose() {
      adamw.dispose();
      tf.dispose(fixed.map(([, table]) => table));
    },
  };
}

/** As MAE's: everything of two dimensions or more. Biases, normalisation scales and the factor of the cosines do not decay. */
const decays = ({ shape }: PlacedTensor) => shape.length >= 2;

function contrastOf(
  engine: Engine,
  embeddings: { readonly images: Tensor2D; readonly texts: Tensor2D },
  { mask, parameters }: { readonly mask: PatchMask; readonly parameters: ParameterTensors },
): Scalar {
  const visible: Tensor2D = engine.tf.tensor2d(visibility(mask), [mask.images, mask.patchesPerImage]);
  const temperature = { factor: parameter<Scalar>(parameters, 'Tpar') };
  return macoContrast(engine, embeddings, { temperature, weights: sampleWeights(engine, visible, parameters) });
}

/** As MAE counts: the patches that are left, rounded down. */
function visiblePatches(patchesPerImage: number, maskRatio: number): number {
  const visible = Math.floor(patchesPerImage * (1 - maskRatio));
  if (!(visible >= 1 && visible < patchesPerImage)) {
    throw new RangeError(
      `Cannot mask ${maskRatio} of ${patchesPerImage} patches: at least one must be removed and one left`,
    );
  }
  return visible;
}

function positionTables({ sizes, positions = 'maco' }: ReportPretrainingOptions) {
  const side = reportPretrainingGrid(sizes);
  const table = (width: number) => sinCosPositions(positions, { width, rows: side, columns: side });
  return [
    { name: 'pos_embed', values: table(sizes.encoder.width) },
    { name: 'decoder_pos_embed', values: table(sizes.decoder.width) },
  ];
}
