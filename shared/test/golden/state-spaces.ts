import type { Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { encodeGenes } from '../../learning/encoders/mamba/mamba-gene-encoder.ts';
import { mambaMixer } from '../../learning/encoders/mamba/mamba-mixer.ts';
import { namedLayers } from '../../learning/encoders/named-layers.ts';
import { ss2d } from '../../learning/encoders/vmamba/ss2d.ts';
import { vmambaFeatures, vmambaPooled } from '../../learning/encoders/vmamba/vmamba.ts';
import { vssBlock } from '../../learning/encoders/vmamba/vss-block.ts';
import type { Engine } from '../../learning/engine/open-engine.ts';
import { crossMerge, crossScan } from '../../learning/ops/cross-scan.ts';
import { selectiveScanWithState } from '../../learning/ops/selective-scan.ts';
import { silu } from '../../learning/ops/silu.ts';
import { parameter } from '../../learning/parameters.ts';
import type { GoldenPrograms } from './program.ts';

/** [images, channels, height, width] -> [images, height, width, channels] */
const channelsLast = ({ tf }: Engine, x: Tensor4D): Tensor4D => tf.transpose(x, [0, 2, 3, 1]);
const channelsFirst = ({ tf }: Engine, x: Tensor4D): Tensor4D => tf.transpose(x, [0, 3, 1, 2]);
/** [sequences, channels, length] <-> [sequences, length, channels] */
const turned = ({ tf }: Engine, x: Tensor3D): Tensor3D => tf.transpose(x, [0, 2, 1]);

export const stateSpaces: GoldenPrograms = {
  op_selective_scan: ({ engine, input, parameters }) => {
    const { y, lastState } = selectiveScanWithState(engine, {
      u: turned(engine, input('u')),
      delta: turned(engine, input('delta')),
      deltaBias: parameter<Tensor1D>(parameters, 'delta_bias'),
      aLog: parameter<Tensor2D>(parameters, 'A_log'),
      b: turned(engine, input('B')),
      c: turned(engine, input('C')),
      d: parameter<Tensor1D>(parameters, 'D'),
    });
    const output = turned(engine, y);
    return { y: output, y_gated: engine.tf.mul(output, silu(engine, input<Tensor3D>('z'))), last_state: lastState };
  },
  op_selective_scan_grouped: ({ engine, input, parameters }) => {
    const { tf } = engine;
    const ofGroups = (x: Tensor4D) => {
      const [sequences, groups, states, length] = x.shape;
      return turned(engine, tf.reshape(x, [sequences, groups * states, length]));
    };
    const { y, lastState } = selectiveScanWithState(engine, {
      u: turned(engine, input('u')),
      delta: turned(engine, input('delta')),
      deltaBias: parameter<Tensor1D>(parameters, 'delta_bias'),
      aLog: parameter<Tensor2D>(parameters, 'A_logs'),
      b: ofGroups(input('B')),
      c: ofGroups(input('C')),
      d: parameter<Tensor1D>(parameters, 'Ds'),
    });
    return { y: turned(engine, y), last_state: lastState };
  },
  op_cross_scan_merge: ({ engine, input }) => {
    const { tf } = engine;
    const x = input<Tensor4D>('x');
    const [images, channels, height, width] = x.shape;
    const [size, tokens] = [{ height, width }, height * width];
    const xs = crossScan(engine, tf.reshape(channelsLast(engine, x), [images, tokens, channels]), size);
    const ys = tf.transpose(input<Tensor4D>('ys'), [0, 3, 1, 2]);
    const merged = crossMerge(engine, tf.reshape(ys, [images, tokens, 4 * channels]), size);
    return {
      xs: tf.transpose(tf.reshape(xs, [images, tokens, 4, channels]), [0, 2, 3, 1]),
      merged: channelsFirst(engine, tf.reshape(merged, [images, height, width, channels])),
    };
  },
  enc_vmamba_ss2d: ({ engine, config, input, parameters }) => {
    const options = { parameters, prefix: '', epsilon: config['norm_eps'] as number };
    const x = input<Tensor4D>('x');
    if (config['layout'] === 'NHWC') return { y: ss2d(engine, x, options) };
    return { y: channelsFirst(engine, ss2d(engine, channelsLast(engine, x), options)) };
  },
  enc_vmamba_block: ({ engine, config, input, parameters }) => {
    const options = { parameters, prefix: '', epsilon: config['norm_eps'] as number };
    return { y: channelsFirst(engine, vssBlock(engine, channelsLast(engine, input('x')), options)) };
  },
  enc_vmamba_backbone: ({ engine, config, input, parameters }) => {
    const vmamba = { parameters, epsilon: config['norm_eps'] as number };
    const features = vmambaFeatures(engine, channelsLast(engine, input('image')), vmamba);
    const embedding = vmambaPooled(engine, features, vmamba);
    const logits = namedLayers(engine, { parameters }).linear('classifier.head', embedding);
    return { features: channelsFirst(engine, features), embedding, logits };
  },
  enc_mamba_mixer: ({ engine, input, parameters }) => ({
    y: mambaMixer(engine, input('u'), { parameters, prefix: '' }),
  }),
  enc_mamba_gene: ({ engine, config, input, parameters }) => ({
    ...encodeGenes(engine, input('values'), { parameters, epsilon: config['norm_eps'] as number }),
  }),
};
