import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import { byBatch, byRunningStatistics } from '../../learning/encoders/channel-normalisation.ts';
import { gelu } from '../../learning/ops/gelu.ts';
import { layerNorm } from '../../learning/ops/layer-norm.ts';
import { sigmoid } from '../../learning/ops/sigmoid.ts';
import { silu } from '../../learning/ops/silu.ts';
import { softplus } from '../../learning/ops/softplus.ts';
import { tanh } from '../../learning/ops/tanh.ts';
import { countedBatches } from './counted-batches.ts';
import type { GoldenPrograms } from './program.ts';

export const operations: GoldenPrograms = {
  op_activations: ({ engine, input, names }) => {
    const activations = { gelu, silu, softplus, sigmoid, tanh };
    const inputs = names.filter((name) => name.startsWith('input.x')).map((name) => name.slice('input.'.length));
    return Object.fromEntries(
      inputs.flatMap((name) =>
        Object.entries(activations).map(([activation, compute]) => [
          name.replace('x', activation),
          compute(engine, input<Tensor>(name)),
        ]),
      ),
    );
  },
  op_batch_norm_train: (context) => {
    const { engine, config, input, parameters } = context;
    const { tf } = engine;
    const x = input<Tensor4D>('x');
    const [images, channels, height, width] = x.shape;
    const rows = tf.reshape(tf.transpose(x, [0, 2, 3, 1]), [-1, channels]) as Tensor2D;
    const imagesOf = (y: Tensor2D) => tf.transpose(tf.reshape(y, [images, height, width, channels]), [0, 3, 1, 2]);
    // The only layer has no name, which PyTorch's networks never have.
    const named = new Map([...parameters].map(([name, tensor]) => [`bn.${name}`, tensor]));
    const epsilon = config['eps'] as number;
    const updated = new Map<string, Tensor1D>();
    return {
      y_train: imagesOf(
        byBatch(engine, named, { epsilon, momentum: config['momentum'] as number, updated })('bn', rows),
      ),
      y_eval: imagesOf(byRunningStatistics(engine, named, { epsilon })('bn', rows)),
      ...Object.fromEntries([...updated].map(([name, tensor]) => [name.replace('bn.', 'state.'), tensor])),
      ...countedBatches(context),
    };
  },
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
