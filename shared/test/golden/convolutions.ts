import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import {
  byBatch,
  byRunningStatistics,
  type ChannelNormalisation,
} from '../../learning/encoders/channel-normalisation.ts';
import { convStemVitEmbedding } from '../../learning/encoders/conv-stem-vit.ts';
import { mambaOutClassifier, mambaOutEmbedding, mambaOutFeatures } from '../../learning/encoders/mambaout.ts';
import { MOCO_PREDICTOR, MOCO_PROJECTOR, mocoHead } from '../../learning/encoders/moco-heads.ts';
import { namedLayers } from '../../learning/encoders/named-layers.ts';
import { resnetFeatures } from '../../learning/encoders/resnet.ts';
import { meanOfPixels } from '../../learning/ops/mean-of-pixels.ts';
import { countedBatches } from './counted-batches.ts';
import type { GoldenContext, GoldenPrograms } from './program.ts';

export const convolutions: GoldenPrograms = {
  enc_vit_convstem_eval: (context) => {
    const { engine, config, parameters } = context;
    const layers = namedLayers(engine, { parameters });
    const positions = layers.tensor('pos_embed');
    const embedding = convStemVitEmbedding(engine, pixelImages(context), {
      parameters,
      positions: engine.tf.reshape(positions, positions.shape.slice(1) as [number, number]),
      depth: config['depth'] as number,
      heads: config['heads'] as number,
      normalise: byRunningStatistics(engine, parameters, batchNormOf(config)),
      epsilon: config['norm_eps'] as number,
    });
    return { embedding, logits: layers.linear('head', embedding) };
  },
  enc_mambaout: (context) => {
    const { engine, config, parameters } = context;
    const mambaOut = { parameters, epsilon: config['norm_eps'] as number };
    const features = mambaOutFeatures(engine, pixelImages(context), mambaOut);
    const embedding = mambaOutEmbedding(engine, features, mambaOut);
    if (!parameters.has('head.fc.weight')) return { features, embedding };
    const { preLogits, logits } = mambaOutClassifier(engine, embedding, mambaOut);
    return { features, embedding, pre_logits: preLogits, logits };
  },
  enc_resnet_bottleneck_eval: (context) => {
    const { engine, config, parameters } = context;
    return resnetOutputs(context, byRunningStatistics(engine, parameters, batchNormOf(config)));
  },
  enc_resnet_bottleneck_train: (context) => {
    const { engine, config, parameters } = context;
    const updated = new Map<string, Tensor1D>();
    const outputs = resnetOutputs(context, byBatch(engine, parameters, { ...batchNormOf(config), updated }));
    return { ...outputs, ...states(updated), ...countedBatches(context) };
  },
  enc_moco_heads_train: (context) => {
    const { engine, config, parameters, input } = context;
    const updated = new Map<string, Tensor1D>();
    const normalise = byBatch(engine, parameters, { ...batchNormOf(config), updated });
    const head = (x: Tensor2D, prefix: string) => mocoHead(engine, x, { parameters, prefix, normalise });
    const projection = head(input<Tensor2D>('features'), MOCO_PROJECTOR);
    const prediction = head(projection, MOCO_PREDICTOR);
    return { projection, prediction, ...states(updated), ...countedBatches(context) };
  },
};

/** Cases in evaluation mode have no momentum. */
function batchNormOf(config: GoldenContext['config']): { epsilon: number; momentum?: number } {
  const momentum = config['bn_momentum'] as number | undefined;
  return { epsilon: config['bn_eps'] as number, ...(momentum === undefined ? {} : { momentum }) };
}

/** The reference's [images, channels, height, width] as [images, height, width, channels]. */
function pixelImages({ engine, input }: GoldenContext): Tensor4D {
  return engine.tf.transpose(input<Tensor4D>('image'), [0, 2, 3, 1]);
}

function resnetOutputs(context: GoldenContext, normalise: ChannelNormalisation) {
  const { engine, parameters } = context;
  const features = resnetFeatures(engine, pixelImages(context), { parameters, normalise });
  return {
    features: engine.tf.transpose(features, [0, 3, 1, 2]),
    embedding: meanOfPixels(engine, features),
  };
}

function states(updated: ReadonlyMap<string, Tensor1D>) {
  return Object.fromEntries([...updated].map(([name, tensor]) => [`state.${name}`, tensor]));
}
