import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { l2Norm } from '../../learning/ops/l2-norm.ts';
import { linear } from '../../learning/ops/linear.ts';
import { tanh } from '../../learning/ops/tanh.ts';
import { createAdamW } from '../../learning/optimisers/adamw.ts';
import { clipGradient } from '../../learning/optimisers/clip-gradient.ts';
import { flatGradient } from '../../learning/optimisers/flat-gradient.ts';
import { fvlmLearningRate } from '../../learning/optimisers/fvlm-learning-rate.ts';
import { createLars } from '../../learning/optimisers/lars.ts';
import { learningRateAt } from '../../learning/optimisers/learning-rate-schedule.ts';
import { medformLearningRate } from '../../learning/optimisers/medform-learning-rate.ts';
import { cosineMomentum, createMomentumEncoder } from '../../learning/optimisers/momentum-encoder.ts';
import type { Optimiser } from '../../learning/optimisers/optimiser.ts';
import { createSgd } from '../../learning/optimisers/sgd.ts';
import { type ParameterTensors, parameter } from '../../learning/parameters.ts';
import { flatParameters, namedParts } from './flat-parameters.ts';
import type { GoldenContext, GoldenOutput, GoldenProgram, GoldenPrograms } from './program.ts';

type Settings = Record<string, number>;

/** The traces' model, y = fc2(tanh(fc1 x)), and its mean squared error. */
function meanSquaredError(
  { engine, input }: GoldenContext,
  { parameters, batch }: { parameters: ParameterTensors; batch: number },
): Scalar {
  const { tf } = engine;
  const ofBatch = (name: string): Tensor2D => tf.squeeze(tf.slice(input(name), batch, 1), [0]);
  const dense = (x: Tensor2D, name: string) =>
    linear(engine, x, {
      weight: parameter<Tensor2D>(parameters, `${name}.weight`),
      bias: parameter<Tensor1D>(parameters, `${name}.bias`),
    });
  const difference = tf.sub(dense(tanh(engine, dense(ofBatch('x'), 'fc1')), 'fc2'), ofBatch('y'));
  return tf.mul(tf.sum(tf.mul(difference, difference)), 1 / difference.size);
}

/** A program that trains the model for as many steps as there are batches and tells everything of each step. */
function trace(
  open: (context: GoldenContext, flat: ReturnType<typeof flatParameters>) => Optimiser,
  { clipNormOf = () => Number.POSITIVE_INFINITY }: { clipNormOf?: (config: Settings) => number | undefined } = {},
): GoldenProgram {
  return async (context) => {
    const { engine, shape } = context;
    const settings = context.config as Settings & { lrs?: number[] };
    const flat = flatParameters(context);
    const optimiser = open(context, flat);
    const outputs: Record<string, GoldenOutput> = {};
    const clipNorm = clipNormOf(settings) ?? Number.POSITIVE_INFINITY;
    for (let batch = 0; batch < shape('input.x')[0]!; batch += 1) {
      const parameters = optimiser.parameters();
      const learningRate = settings.lrs?.[batch] ?? settings['lr']!;
      const { value, gradient } = flatGradient(engine, parameters, {
        compute: () => meanSquaredError(context, { parameters, batch }),
      });
      const clipped = clipGradient(engine, gradient, clipNorm);
      optimiser.step(gradient, { learningRate });
      const step = `step${batch + 1}`;
      Object.assign(outputs, {
        [`${step}.loss`]: value,
        [`${step}.lr`]: learningRate,
        [`${step}.grad_norm`]: l2Norm(engine, gradient),
      });
      const vectors = { param: optimiser.flat(), grad: clipped, ...optimiser.memory() };
      for (const [name, vector] of Object.entries(vectors)) {
        Object.assign(outputs, namedParts(flat.layout, await vector.data<'float32'>(), `${step}.${name}.`));
      }
      engine.tf.dispose([gradient, clipped]);
    }
    optimiser.dispose();
    return outputs;
  };
}

const adam = trace(
  ({ engine, config }, { layout, values }) => {
    const [beta1, beta2] = config['betas'] as [number, number];
    const spared = (config['no_decay'] as string[] | undefined) ?? [];
    return createAdamW(engine, layout, {
      values,
      beta1,
      beta2,
      epsilon: config['eps'] as number,
      weightDecay: config['weight_decay'] as number,
      decayForm: config['decoupled'] === true ? 'decoupled' : 'l2',
      decays: ({ name }) => !spared.includes(name),
      clipNorm: (config['clip_norm'] as number | undefined) ?? Number.POSITIVE_INFINITY,
    });
  },
  { clipNormOf: (settings) => settings['clip_norm'] },
);

export const optimisers: GoldenPrograms = {
  opt_adam: adam,
  opt_sgd: trace(({ engine, config }, { layout, values }) =>
    createSgd(engine, layout, {
      values,
      momentum: config['momentum'] as number,
      nesterov: config['nesterov'] as boolean,
      weightDecay: config['weight_decay'] as number,
      decays: () => true,
    }),
  ),
  opt_lars: trace(({ engine, config }, { layout, values }) =>
    createLars(engine, layout, {
      values,
      momentum: config['momentum'] as number,
      weightDecay: config['weight_decay'] as number,
      trustCoefficient: config['trust_coefficient'] as number,
    }),
  ),
  opt_grad_clip: async (context) => {
    const { engine, config } = context;
    const { layout, values } = flatParameters(context, { kind: 'input' });
    const gradient = engine.tf.tensor1d(values);
    const outputs: Record<string, GoldenOutput> = { norm: l2Norm(engine, gradient) };
    for (const [name, clipNorm] of Object.entries(config['max_norm'] as Settings)) {
      const clipped = clipGradient(engine, gradient, clipNorm);
      Object.assign(outputs, namedParts(layout, await clipped.data<'float32'>(), `${name}.`));
      clipped.dispose();
    }
    gradient.dispose();
    return outputs;
  },
  opt_ema_momentum: async (context) => {
    const { engine, shape } = context;
    const { m0: start, epochs } = context.config as Settings;
    const { layout, values } = flatParameters(context);
    const encoder = createMomentumEncoder(engine, layout, { values });
    const outputs: Record<string, GoldenOutput> = {};
    for (let epoch = 0; epoch < shape('input.query')[0]!; epoch += 1) {
      const momentum = cosineMomentum(epoch / epochs!, { start: start! });
      const query = engine.tf.tidy(
        () => engine.tf.reshape(engine.tf.slice(context.input('query'), epoch, 1), [-1]) as Tensor1D,
      );
      encoder.follow(query, momentum);
      query.dispose();
      outputs[`step${epoch + 1}.momentum`] = momentum;
      outputs[`step${epoch + 1}.param`] = { shape: shape('param.key'), data: await encoder.read() };
    }
    encoder.dispose();
    return outputs;
  },
  opt_schedules: ({ config, numbers }) => {
    const { base, warmup, total, value_scale: scale } = config as Settings;
    const { warmup_steps: warmUpSteps, epochs } = config['fvlm'] as Settings;
    const learningRate = base!;
    const scaled = (count: number, rateAt: (index: number) => number) =>
      Float64Array.from({ length: count }, (_, index) => rateAt(index) * scale!);
    const fvlm = { learningRate, warmUpSteps: warmUpSteps!, epochs: epochs! };
    const fractionalEpochs = numbers('input.fractional_epoch');
    return {
      medform: scaled(total! + 1, (step) =>
        medformLearningRate(step, { learningRate, warmUpSteps: warmup!, steps: total! }),
      ),
      half_cosine: scaled(fractionalEpochs.length, (index) =>
        learningRateAt(fractionalEpochs[index]! / total!, { learningRate, warmUpFraction: warmup! / total! }),
      ),
      fvlm_warmup: scaled(warmUpSteps! + 3, (step) => fvlmLearningRate({ epoch: 0, step }, fvlm)),
      fvlm_epochs: scaled(epochs! - 1, (index) => fvlmLearningRate({ epoch: index + 1, step: 0 }, fvlm)),
    };
  },
};
