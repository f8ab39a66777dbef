import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../../test/each-engine.ts';
import '../../../test/all-close.ts';
import { initialise } from '../../../tensors/initialise.ts';
import { VMAMBA_TINY, type VmambaSizes, VSSM_TINY, vmambaLayout } from '../../../tensors/layouts/vmamba.ts';
import type { Engine } from '../../engine/open-engine.ts';
import { loadParameters, type ParameterTensors } from '../../parameters.ts';
import { ss2d } from './ss2d.ts';
import { vmambaFeatures, vmambaPooled } from './vmamba.ts';

const epsilon = 1e-5;

function parametersFor(engine: Engine, sizes: VmambaSizes): ParameterTensors {
  const layout = vmambaLayout({ ...sizes, depths: [1, 1], width: 12, inputChannels: 1, group: 'slice' });
  return loadParameters(engine, layout, initialise(layout, 1));
}

describeOnEachEngine('vmambaFeatures()', (engine) => {
  test.each([
    ['released', VMAMBA_TINY, [2, 3, 3, 24]],
    // Patches of 4 pixels and then of 2 leave what does not fill them.
    ['default', VSSM_TINY, [2, 2, 2, 24]],
  ] as const)('reads images of any size in the %s form', (_, sizes, shape) => {
    const { tf } = engine();
    const parameters = parametersFor(engine(), sizes);
    const images = normalTensor<Tensor4D>(engine(), 'images', [2, 21, 18, 1]);
    const before = tf.memory().numTensors;
    const features = vmambaFeatures(engine(), images, { parameters });
    expect(tf.memory().numTensors).toBe(before + 1);
    expect(features.shape).toEqual(shape);
    const pooled = vmambaPooled(engine(), features, { parameters });
    expect(tf.memory().numTensors).toBe(before + 2);
    // An image's features depend on no other image.
    const alone = vmambaFeatures(engine(), tf.slice(images, 1, 1) as Tensor4D, { parameters });
    expect(vmambaPooled(engine(), alone, { parameters }).dataSync()).toBeAllClose(tf.slice(pooled, 1, 1).dataSync(), {
      relative: 1e-5,
      absolute: 0,
    });
  });
});

describeOnEachEngine('ss2d()', (engine) => {
  const x = () => normalTensor<Tensor4D>(engine(), 'x', [2, 3, 4, 12]);
  const prefix = 'layers.0.blocks.0.op';
  const named = (name: string) => `${prefix}.${name}`;

  test.each([
    ['released', VMAMBA_TINY],
    ['default', VSSM_TINY],
  ] as const)('reads a transposed image as its transposed self reads the image (%s form)', (_, sizes) => {
    const { tf } = engine();
    const parameters = parametersFor(engine(), sizes);
    // Rows become columns, so directions 0 and 1 change places, and 2 and 3.
    const swapped = (name: string): [string, Tensor] => {
      const tensor = parameters.get(named(name))!;
      const ways = tf.reshape(tensor, [4, -1]);
      return [named(name), tf.reshape(tf.gather(ways, [1, 0, 3, 2]), tensor.shape)];
    };
    const kernel = parameters.get(named('conv2d.weight'))!;
    const turned = new Map([
      ...parameters,
      ...['x_proj_weight', 'A_logs', 'Ds', 'dt_projs_weight', 'dt_projs_bias'].map(swapped),
      [named('conv2d.weight'), tf.transpose(kernel, [0, 1, 3, 2])],
    ]);
    const y = ss2d(engine(), x(), { parameters, prefix, epsilon });
    const across: Tensor4D = tf.transpose(x(), [0, 2, 1, 3]);
    const back = tf.transpose(ss2d(engine(), across, { parameters: turned, prefix, epsilon }), [0, 2, 1, 3]);
    expect(y.shape).toEqual([2, 3, 4, 12]);
    expect(back.dataSync()).toBeAllClose(y.dataSync(), { relative: 1e-5, absolute: 0 });
    const unchanged = tf.transpose(ss2d(engine(), across, { parameters, prefix, epsilon }), [0, 2, 1, 3]);
    expect(unchanged.dataSync()).not.toBeAllClose(y.dataSync(), { relative: 1e-3, absolute: 0 });
  });

  test('reads checkpoints that store its layers as 1 x 1 convolutions', () => {
    const parameters = parametersFor(engine(), VMAMBA_TINY);
    const stored = new Map(parameters);
    for (const name of ['in_proj.weight', 'out_proj.weight'].map(named)) {
      stored.set(name, engine().tf.reshape(parameters.get(name)!, [12, 12, 1, 1]));
    }
    const outputs = [parameters, stored].map((tensors) =>
      ss2d(engine(), x(), { parameters: tensors, prefix, epsilon }).dataSync(),
    );
    expect(outputs[1]).toEqual(outputs[0]);
  });
});
