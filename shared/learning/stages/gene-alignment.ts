/**
 * MGI's alignment (arXiv 2406.00631): a vision transformer over slices and a Mamba over the patient's expression profile are
 * to find each other. The paper names the parts and the contrast; sizes, temperature and optimiser are CLIP's where it is
 * silent. One object is one local round of one site.
 */
import type { Scalar } from '@tensorflow/tfjs-core';
import type { PlacedTensor } from '../../tensors/layout.ts';
import { type GeneAlignmentSizes, geneAlignmentLayout } from '../../tensors/layouts/gene-alignment.ts';
import type { Engine } from '../engine/open-engine.ts';
import { infoNce } from '../objectives/info-nce.ts';
import { selectRows } from '../ops/select-rows.ts';
import { type AdamWSettings, createAdamW, decaysByDefault } from '../optimisers/adamw.ts';
import { learningRateAt } from '../optimisers/learning-rate-schedule.ts';
import { type Tower, towersGradient } from '../optimisers/towers-gradient.ts';
import { parameter } from '../parameters.ts';
import { embedTower } from './embed-tower.ts';
import { type GeneBatch, requireGeneBatch } from './gene-batch.ts';
import { profileTower, sliceTower } from './gene-towers.ts';

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
      sliceTower(engine, batch, { ...model, rowsAtOnce: options.slicesAtOnce ?? batch.slices }),
      profileTower(engine, batch, { ...model, rowsAtOnce: options.profilesAtOnce ?? batch.patients }),
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
