/**
 * MGI's alignment (arXiv 2406.00631): a vision transformer over slices and a Mamba over the patient's expression profile are
 * to find each other. The paper names the parts and the contrast; sizes, temperature and optimiser are CLIP's where it is
 * silent. One object is one local round of one site.
 */
import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import type { PlacedTensor } from '../../tensors/layout.ts';
import { type GeneAlignmentSizes, geneAlignmentLayout } from '../../tensors/layouts/gene-alignment.ts';
import { encodeGenes } from '../encoders/mamba/mamba-gene-encoder.ts';
import { patches } from '../encoders/patches.ts';
import { vitEmbedding } from '../encoders/vit.ts';
import type { Engine } from '../engine/open-engine.ts';
import { infoNce } from '../objectives/info-nce.ts';
import { rowProducts } from '../ops/row-products.ts';
import { selectRows } from '../ops/select-rows.ts';
import { type AdamWSettings, createAdamW, decaysByDefault } from '../optimisers/adamw.ts';
import { learningRateAt } from '../optimisers/learning-rate-schedule.ts';
import { type RowRange, type Tower, towersGradient } from '../optimisers/towers-gradient.ts';
import { type ParameterTensors, parameter } from '../parameters.ts';
import { parametersUnder } from '../parameters-under.ts';
import { embedTower } from './embed-tower.ts';
import { type GeneBatch, requireGeneBatch } from './gene-batch.ts';

export interface GeneAlignmentOptions {
  readonly sizes: GeneAlignmentSizes;
  /**
   * What a slice's row does with the patient's other slices, which have the same profile: it leaves them out (`masked`, so
   * unless given) or is to find them too (`positive`). As negatives they would be false.
   */
  readonly otherSlices?: 'masked' | 'positive';
  readonly optimiser: Omit<AdamWSettings, 'decays'> & {
    readonly learningRate: number;
    /** Share of the stage's steps over which the learning rate rises. */
    readonly warmUpFraction: number;
  };
  /** In the order of `geneAlignmentLayout`. Not changed. */
  readonly parameters: Float32Array;
  /** How many slices and profiles pass their encoders at once: bounds memory; all unless given. */
  readonly slicesAtOnce?: number;
  readonly profilesAtOnce?: number;
}

export interface GeneAlignment {
  /**
   * One optimiser step. Each slice contrasts with those of all other patients of the batch, however many pass at once.
   *
   * @param options.progress the share of the whole stage's steps already done, 0 to 1.
   * @returns the loss before the step; NaN if training has diverged.
   * @throws {TypeError} {RangeError} when the batch does not fit the sizes or itself; no tensor is kept then.
   */
  step(batch: GeneBatch, options: { readonly progress: number }): Promise<number>;
  /** Slices [slices, embedding width] and profiles [patients, embedding width]. */
  embed(batch: GeneBatch): Promise<{ readonly images: Float32Array; readonly genes: Float32Array }>;
  /** A copy of the current parameters, in the order they came. */
  parameters(): Promise<Float32Array>;
  /** Frees all tensors. The object cannot be used afterwards. */
  dispose(): void;
}

/** CLIP's, so that cosines are multiplied by 100 at most. */
const scaleBounds = [0, Math.log(100)] as const;

/** @throws {TypeError} when the parameters do not fit the layout. */
export function createGeneAlignment(engine: Engine, options: GeneAlignmentOptions): GeneAlignment {
  const { sizes, optimiser: settings, otherSlices = 'masked' } = options;
  const adamw = createAdamW(engine, geneAlignmentLayout(sizes), {
    ...settings,
    decays,
    bounds: ({ name }) => (name === 'logit_scale' ? scaleBounds : null),
    values: options.parameters,
  });

  const towersOf = (batch: GeneBatch): readonly [Tower, Tower] => {
    const model = { parameters: adamw.parameters(), sizes };
    return [
      {
        rows: batch.slices,
        rowsAtOnce: options.slicesAtOnce ?? batch.slices,
        encode: (range) => ({ rows: encodeSlices(engine, { batch, range }, model) }),
      },
      {
        rows: batch.patients,
        rowsAtOnce: options.profilesAtOnce ?? batch.patients,
        encode: (range) => ({ rows: encodeProfiles(engine, { batch, range }, model) }),
      },
    ];
  };

  return {
    async step(batch, { progress }) {
      requireGeneBatch(batch, sizes);
      const learningRate = learningRateAt(progress, settings);
      const parameters = adamw.parameters();
      const { value, gradient } = towersGradient(engine, parameters, {
        towers: towersOf(batch),
        loss: ([images, genes]) => {
          // A profile passes its encoder once, however many slices its patient has.
          const ofSlices = selectRows(engine, genes!, { indices: batch.patientOf });
          const temperature = { logitScale: parameter<Scalar>(parameters, 'logit_scale') };
          const patients = { ofRow: batch.patientOf, otherRows: otherSlices };
          return infoNce(engine, { a: images!, b: ofSlices }, { temperature, patients });
        },
      });
      adamw.step(gradient, { learningRate });
      gradient.dispose();
      const [loss] = await value.data();
      value.dispose();
      return loss!;
    },
    async embed(batch) {
      requireGeneBatch(batch, sizes);
      const [images, genes] = towersOf(batch);
      return { images: await embedTower(engine, images), genes: await embedTower(engine, genes) };
    },
    parameters: adamw.read,
    dispose: adamw.dispose,
  };
}

/** As timm and state-spaces/mamba have it: matrices decay, positions, the class token and the rates of state spaces do not. */
function decays({ name, ...tensor }: PlacedTensor): boolean {
  const ownName = name.replace(/^(image|gene)_encoder\./, '');
  return decaysByDefault({ ...tensor, name: ownName }) && !ownName.endsWith('.A_log');
}

interface Model {
  readonly parameters: ParameterTensors;
  readonly sizes: GeneAlignmentSizes;
}

interface BatchPart {
  readonly batch: GeneBatch;
  readonly range: RowRange;
}

/** [count, embedding width] */
function encodeSlices(engine: Engine, { batch, range }: BatchPart, { parameters, sizes }: Model): Tensor2D {
  const { image, imageSizePixels, inputChannels } = sizes;
  const values = rowsOf(batch.images, { range, rows: batch.slices });
  const images = engine.tf.tensor4d(values, [range.count, inputChannels, imageSizePixels, imageSizePixels]);
  const embedding = vitEmbedding(engine, patches(engine, images, image), {
    ...image,
    images: range.count,
    parameters: parametersUnder(parameters, 'image_encoder'),
  });
  return rowProducts(engine, [embedding, parameter<Tensor2D>(parameters, 'image_proj.weight')]);
}

/** [count, embedding width] */
function encodeProfiles(engine: Engine, { batch, range }: BatchPart, { parameters, sizes }: Model): Tensor2D {
  const rows = batch.patients;
  const profiles = rowsOf(batch.profiles, { range, rows });
  const values: Tensor2D = engine.tf.tensor2d(profiles, [range.count, sizes.genes.genes]);
  return encodeGenes(engine, values, {
    parameters: parametersUnder(parameters, 'gene_encoder'),
    ...(batch.measured === null ? {} : { present: rowsOf(batch.measured, { range, rows }) }),
  }).embedding;
}

function rowsOf<T extends Float32Array | Uint8Array>(
  values: T,
  { range: { first, count }, rows }: { readonly range: RowRange; readonly rows: number },
): T {
  const width = values.length / rows;
  return values.subarray(first * width, (first + count) * width) as T;
}
