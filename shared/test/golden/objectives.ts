import type { Tensor2D } from '@tensorflow/tfjs-core';
import { ntXent } from '../../learning/objectives/nt-xent.ts';
import type { GoldenPrograms } from './program.ts';

export const objectives: GoldenPrograms = {
  loss_ntxent: ({ engine, config, input }) => {
    const views = engine.tf.concat([input<Tensor2D>('z1'), input<Tensor2D>('z2')]);
    return { loss: ntXent(engine, views, { temperature: config['temperature'] as number }) };
  },
};
