/**
 * MoCo v3's projector and predictor (Chen et al. 2021, arXiv 2104.02057), which LeCL keeps, under MoCo v3's names. Batch
 * statistics are those of each hospital's own batches in pretraining and are needed nowhere else: none are listed.
 */
import { createLayout, type ParameterLayout, type TensorSpec } from '../layout.ts';
import { layerNorm } from './layer-norm.ts';

/** The published widths. */
export const MOCO_HEADS = { hiddenWidth: 4096, embeddingWidth: 256 } as const;

/** `encoderWidth` is that of the embeddings. It starts as PyTorch's `nn.Linear` and `nn.BatchNorm1d` do. */
export function mocoHeadsLayout(options: {
  readonly encoderWidth: number;
  readonly hiddenWidth: number;
  readonly embeddingWidth: number;
  readonly group: string;
}): ParameterLayout {
  const { encoderWidth, hiddenWidth, embeddingWidth, group } = options;
  const head = (prefix: string, widths: readonly number[]): TensorSpec[] =>
    widths.slice(1).flatMap((width, layer) => {
      const inputWidth = widths[layer]!;
      const weight: TensorSpec = {
        name: `${prefix}.${3 * layer}.weight`,
        shape: [width, inputWidth],
        initialiser: { kind: 'uniform', bound: 1 / Math.sqrt(inputWidth) },
        group,
      };
      // The last normalisation only standardises.
      const last = layer === widths.length - 2;
      return last ? [weight] : [weight, ...layerNorm(`${prefix}.${3 * layer + 1}`, { width, group })];
    });
  return createLayout([
    ...head('base_encoder.head', [encoderWidth, hiddenWidth, hiddenWidth, embeddingWidth]),
    ...head('predictor', [embeddingWidth, hiddenWidth, embeddingWidth]),
  ]);
}
