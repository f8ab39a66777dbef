/** A text's embedding from BERT's class tokens [texts, width], in the forms of the methods. */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { l2Normalise } from '../ops/l2-normalise.ts';
import { tanh } from '../ops/tanh.ts';
import type { ParameterTensors } from '../parameters.ts';
import type { Bert } from './bert.ts';
import { namedLayers } from './named-layers.ts';

/** MaCo: BERT's own pooler, tanh(W h + b) with `pooler.dense`. [texts, width], not normalised. */
export function pooledText(
  engine: Engine,
  classTokens: Tensor2D,
  { parameters, prefix = '' }: Pick<Bert, 'parameters' | 'prefix'>,
): Tensor2D {
  return tanh(engine, namedLayers(engine, { parameters, prefix }).linear('pooler.dense', classTokens));
}

/** fVLM: `text_proj` without a pooler; rows [texts, embedding width] of length 1. */
export function projectedText(
  engine: Engine,
  classTokens: Tensor2D,
  { parameters }: { readonly parameters: ParameterTensors },
): Tensor2D {
  return l2Normalise(engine, namedLayers(engine, { parameters }).linear('text_proj', classTokens));
}
