import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { layerNorm } from '../../learning/ops/layer-norm.ts';
import type { GoldenPrograms } from './program.ts';

export const operations: GoldenPrograms = {
  op_layer_norm_eps: ({ engine, config, input, parameters }) => {
    const weight = parameters.get('weight') as Tensor1D;
    const bias = parameters.get('bias') as Tensor1D;
    return Object.fromEntries(
      (config['eps'] as number[]).map((epsilon, index) => [
        `y_eps${index}`,
        layerNorm(engine, input<Tensor2D>('x'), { weight, bias, epsilon }),
      ]),
    );
  },
};
