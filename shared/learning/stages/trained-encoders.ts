/** The alignment model's encoders, each with its optimiser and its place in the shared vector. */
import { createLayout, type ParameterLayout } from '../../tensors/layout.ts';
import { clinicalLocalLayout, clinicalSharedLayout } from '../../tensors/layouts/clinical.ts';
import { expressionLocalLayout, expressionSharedLayout } from '../../tensors/layouts/expression.ts';
import { gatedAttentionLayout } from '../../tensors/layouts/gated-attention.ts';
import type { Engine } from '../engine/open-engine.ts';
import { type AdamW, createAdamW } from '../optimisers/adamw.ts';
import type { AlignmentOptions } from './alignment-options.ts';
import { createCtEncoder, createTabularEncoder, type ModalityEncoder } from './modality-encoder.ts';

/** An encoder, its optimiser, and where its travelling part lies in the shared vector. */
export interface TrainedEncoder {
  readonly encoder: ModalityEncoder;
  readonly optimiser: AdamW;
  readonly offset: number;
  readonly sharedSize: number;
}

/**
 * The encoders of the modalities this site has, CT first.
 *
 * @throws {TypeError} when a vector's length is not its layout's, or a modality has an input width but no weights.
 */
export function createTrainedEncoders(engine: Engine, options: AlignmentOptions): TrainedEncoder[] {
  const { embeddingWidth, sliceWidth, shared } = options;
  const image = gatedAttentionLayout({ sliceWidth, ...options.pooling, embeddingWidth });
  const clinical = clinicalSharedLayout({ hiddenWidth: options.clinicalHiddenWidth, embeddingWidth });
  const expression = expressionSharedLayout({ hiddenWidth: options.expressionHiddenWidth, embeddingWidth });
  const withoutExpression = image.size + clinical.size;
  if (shared.length !== withoutExpression && shared.length !== withoutExpression + expression.size) {
    throw new TypeError(
      `Cannot align: the shared weights must have ${withoutExpression} numbers, or ${withoutExpression + expression.size} with expression, found ${shared.length}`,
    );
  }
  if (options.expressionInputWidth !== null && shared.length === withoutExpression) {
    throw new TypeError(
      'Cannot align: the site has expression data, but the shared weights have no expression encoder',
    );
  }

  const train = (encoder: ModalityEncoder, { offset, sharedSize }: { offset: number; sharedSize: number }) => {
    const local = encoder.modality === 'ct' ? new Float32Array(0) : options.local[encoder.modality];
    if (local === null || sharedSize + local.length !== encoder.layout.size) {
      throw new TypeError(
        `Cannot align: the site's own ${encoder.modality} layer must have ${encoder.layout.size - sharedSize} numbers, found ${local?.length ?? 'none'}`,
      );
    }
    const values = new Float32Array(encoder.layout.size);
    values.set(shared.subarray(offset, offset + sharedSize));
    values.set(local, sharedSize);
    return {
      encoder,
      optimiser: createAdamW(engine, encoder.layout, {
        ...options.optimiser,
        values,
        from: options.from?.[encoder.modality],
      }),
      offset,
      sharedSize,
    };
  };
  const trained = [
    train(createCtEncoder(engine, { layout: image, sliceWidth }), { offset: 0, sharedSize: image.size }),
  ];
  const tabular = [
    {
      modality: 'clinical',
      shared: clinical,
      localLayout: clinicalLocalLayout,
      inputWidth: options.clinicalInputWidth,
      hiddenWidth: options.clinicalHiddenWidth,
      offset: image.size,
    },
    {
      modality: 'expression',
      shared: expression,
      localLayout: expressionLocalLayout,
      inputWidth: options.expressionInputWidth,
      hiddenWidth: options.expressionHiddenWidth,
      offset: withoutExpression,
    },
  ] as const;
  for (const { modality, shared: travelling, localLayout, inputWidth, hiddenWidth, offset } of tabular) {
    if (inputWidth === null) continue;
    const local = localLayout({ inputWidth, hiddenWidth });
    const encoder = createTabularEncoder(engine, { modality, shared: travelling, local, inputWidth });
    trained.push(train(encoder, { offset, sharedSize: travelling.size }));
  }
  return trained;
}

/** The flat gradient of several encoders as one tensor for each, named by modality. */
export function gradientLayout(encoders: readonly TrainedEncoder[]): ParameterLayout {
  return createLayout(
    encoders.map(({ encoder: { modality, layout } }) => ({
      name: modality,
      shape: [layout.size],
      initialiser: { kind: 'zeros' },
      group: modality,
    })),
  );
}
