import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { ParameterLayout, PlacedTensor } from '../../tensors/layout.ts';
import type { Engine } from '../engine/open-engine.ts';
import { fusedOperation, hasFusedOperations } from '../ops/tensorflow-operation.ts';
import { disposeParameters, splitParameters } from '../parameters.ts';
import { type BoundedTensor, clampTensors } from './clamp-tensors.ts';
import { clipGradient } from './clip-gradient.ts';
import { flatConstant } from './flat-constant.ts';
import type { Optimiser } from './optimiser.ts';

export interface AdamWSettings {
  readonly beta1: number;
  readonly beta2: number;
  /** Takes learningRate * weightDecay of a parameter away each step. */
  readonly weightDecay: number;
  /** Gradients are scaled down to this L2 norm first. */
  readonly clipNorm: number;
  /** Added to the root of the second moment. */
  readonly epsilon?: number;
  /** Which tensors decay; `decaysByDefault` unless given. */
  readonly decays?: (tensor: PlacedTensor) => boolean;
}

/** Copies of all that an AdamW is made of: another one goes on from them to the bit. */
export interface AdamWState {
  /** Steps taken. */
  readonly steps: number;
  readonly values: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
}

export interface AdamW extends Optimiser {
  state(): Promise<AdamWState>;
}

/** Where an AdamW begins. */
export function freshAdamWState(values: Float32Array): AdamWState {
  const zeros = () => new Float32Array(values.length);
  return { steps: 0, values, firstMoment: zeros(), secondMoment: zeros() };
}

/**
 * AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) as PyTorch computes it, on one flat vector, so that a step is a
 * few large tensor operations. Owns all tensors it makes; `dispose` frees them.
 */
export function createAdamW(
  engine: Engine,
  layout: ParameterLayout,
  {
    values: start,
    from,
    decayForm = 'decoupled',
    bounds = () => null,
    ...settings
  }: AdamWSettings & {
    readonly values: Float32Array;
    /** Where another AdamW stood, to go on from there instead of from the values. */
    readonly from?: AdamWState | undefined;
    /** `l2` adds weightDecay * parameter to the clipped gradient instead: Adam with an L2 penalty. */
    readonly decayForm?: 'decoupled' | 'l2';
    /** What a tensor's numbers are moved back into after each step, such as a learned temperature's; null for no bounds. */
    readonly bounds?: (tensor: PlacedTensor) => readonly [lowest: number, highest: number] | null;
  },
): AdamW {
  const { tf } = engine;
  const { beta1, beta2, weightDecay, clipNorm, epsilon = 1e-8, decays = decaysByDefault } = settings;
  const { steps: stepsBefore, values, firstMoment, secondMoment } = from ?? freshAdamWState(start);
  for (const { length } of [values, firstMoment, secondMoment]) {
    if (length !== layout.size) {
      throw new TypeError(`Cannot optimise: the layout has ${layout.size} numbers, found ${length}`);
    }
  }
  const decay = tf.tensor1d(flatConstant(layout, (tensor) => (decays(tensor) ? weightDecay : 0)));
  const bounded = layout.tensors.flatMap((tensor): BoundedTensor[] => {
    const range = bounds(tensor);
    return range === null ? [] : [{ ...tensor, lowest: range[0], highest: range[1] }];
  });
  let steps = stepsBefore;
  const flat = {
    parameters: tf.tensor1d(values.slice()),
    firstMoment: tf.tensor1d(firstMoment.slice()),
    secondMoment: tf.tensor1d(secondMoment.slice()),
  };
  const replace = (name: keyof typeof flat, next: (current: Tensor1D) => Tensor1D) => {
    const current = flat[name];
    flat[name] = tf.tidy(() => next(current));
    current.dispose();
  };
  /** In one pass over memory; the L2 form has put its decay into the gradient before. */
  const moveAtOnce = (
    gradient: Tensor1D,
    { stepSize, secondScale, learningRate }: { stepSize: number; secondScale: number; learningRate: number },
  ) => {
    const decayRate = decayForm === 'decoupled' ? learningRate : 0;
    const settings = tf.tensor1d([beta1, beta2, 1 - beta1, 1 - beta2, stepSize, secondScale, epsilon, decayRate]);
    const before = [flat.parameters, gradient, flat.firstMoment, flat.secondMoment, decay, settings];
    const [parameters, firstMoment, secondMoment] = fusedOperation(engine, 'AdamW', before) as Tensor1D[];
    tf.dispose([settings, ...Object.values(flat)]);
    Object.assign(flat, { parameters, firstMoment, secondMoment });
  };
  let tensors = splitParameters(engine, layout, flat.parameters);

  return {
    parameters: () => tensors,
    flat: () => flat.parameters,
    memory: () => ({ exp_avg: flat.firstMoment, exp_avg_sq: flat.secondMoment }),
    step(gradient, { learningRate }) {
      steps += 1;
      const stepSize = learningRate / (1 - beta1 ** steps);
      const secondScale = 1 / Math.sqrt(1 - beta2 ** steps);
      // One scope each: a vector of the model's size less at the peak for every operation.
      const clipped = tf.tidy(() => {
        const short = clipGradient(engine, gradient, clipNorm);
        return decayForm === 'l2' ? tf.add(short, tf.mul(flat.parameters, decay)) : short;
      }) as Tensor1D;
      if (hasFusedOperations(engine)) {
        moveAtOnce(clipped, { stepSize, secondScale, learningRate });
        clipped.dispose();
      } else {
        replace('firstMoment', (first) => tf.add(tf.mul(first, beta1), tf.mul(clipped, 1 - beta1)));
        replace('secondMoment', (second) => tf.add(tf.mul(second, beta2), tf.mul(tf.square(clipped), 1 - beta2)));
        clipped.dispose();
        if (decayForm === 'decoupled') {
          replace('parameters', (values) => tf.sub(values, tf.mul(tf.mul(values, decay), learningRate)));
        }
        replace('parameters', (values) => {
          const denominator = tf.add(tf.mul(tf.sqrt(flat.secondMoment), secondScale), epsilon);
          return tf.sub(values, tf.mul(tf.div(flat.firstMoment, denominator), stepSize));
        });
      }
      if (bounded.length > 0) replace('parameters', (values) => clampTensors(engine, values, bounded));
      disposeParameters(tensors);
      tensors = splitParameters(engine, layout, flat.parameters);
    },
    read: () => copyOf(flat.parameters),
    state: async () => ({
      steps,
      values: await copyOf(flat.parameters),
      firstMoment: await copyOf(flat.firstMoment),
      secondMoment: await copyOf(flat.secondMoment),
    }),
    dispose() {
      tf.dispose([decay, ...Object.values(flat)]);
      disposeParameters(tensors);
    },
  };
}

async function copyOf(tensor: Tensor1D): Promise<Float32Array> {
  return Float32Array.from(await tensor.data<'float32'>());
}

/** As in timm: matrices decay; biases, normalisation scales, the class token and the position table do not. */
export function decaysByDefault({ name, shape }: PlacedTensor): boolean {
  return shape.length >= 2 && name !== 'pos_embed' && name !== 'cls_token';
}
