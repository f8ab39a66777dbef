import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../../engine/open-engine.ts';
import { layerNorm } from '../../ops/layer-norm.ts';
import { rmsNorm } from '../../ops/rms-norm.ts';
import { type ParameterTensors, parameter } from '../../parameters.ts';
import { mambaMixer } from './mamba-mixer.ts';

/**
 * The residual blocks of state-spaces/mamba's `MixerModel`, x + mixer(norm(x)), as many as there are parameters, and
 * `norm_f` after them. A normalisation with a bias is LayerNorm, one without is RMSNorm. x [sequences, length, width] ->
 * the same shape.
 */
export function mambaBlocks(
  engine: Engine,
  x: Tensor3D,
  { parameters, epsilon }: { readonly parameters: ParameterTensors; readonly epsilon: number },
): Tensor3D {
  const { tf } = engine;
  const normalised = (name: string, tokens: Tensor3D): Tensor3D => {
    const rows: Tensor2D = tf.reshape(tokens, [-1, tokens.shape[2]]);
    const weight = parameter<Tensor1D>(parameters, `${name}.weight`);
    const bias = parameters.get(`${name}.bias`) as Tensor1D | undefined;
    const y =
      bias === undefined
        ? rmsNorm(engine, rows, { weight, epsilon })
        : layerNorm(engine, rows, { weight, bias, epsilon });
    return tf.reshape(y, tokens.shape);
  };
  return tf.tidy(() => {
    let stream = x;
    for (let index = 0; parameters.has(`layers.${index}.norm.weight`); index += 1) {
      const name = `layers.${index}`;
      stream = tf.tidy(() =>
        tf.add<Tensor3D>(
          stream,
          mambaMixer(engine, normalised(`${name}.norm`, stream), { parameters, prefix: `${name}.mixer` }),
        ),
      );
    }
    return normalised('norm_f', stream);
  });
}
