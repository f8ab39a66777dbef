import type { Tensor } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';

/** An op and its way back. */
export interface Differentiable<
  Inputs extends readonly Tensor[],
  Kept extends { readonly [name: string]: Tensor },
  Output extends Tensor,
> {
  /**
   * `keep` names what the way back needs and is freed after it; all else that the op makes is freed at once.
   */
  readonly forward: (...inputs: Inputs) => { readonly value: Output; readonly keep: Kept };
  /** From the gradient of the output to the gradients of the inputs, in their order. */
  readonly backward: (dy: Output, kept: Kept) => { readonly [Index in keyof Inputs]: Tensor };
}

/** Runs an op that carries its own gradient. Outside a gradient computation nothing is kept. */
export function differentiable<
  const Inputs extends readonly Tensor[],
  Kept extends { readonly [name: string]: Tensor },
  Output extends Tensor,
>({ tf }: Engine, inputs: Inputs, { forward, backward }: Differentiable<Inputs, Kept, Output>): Output {
  const operation = tf.customGrad((...args) => {
    const save = args.pop() as unknown as (tensors: Tensor[]) => void;
    const { value, keep } = forward(...(args as unknown as Inputs));
    save(Object.values(keep));
    const names = Object.keys(keep);
    // The library frees neither until the whole way back is done, which would take three times the memory.
    const gradFunc = (dy: Tensor, saved: Tensor[]) => {
      const kept = Object.fromEntries(names.map((name, index) => [name, saved[index]!])) as unknown as Kept;
      const gradients = tf.tidy(() => [...(backward(dy as Output, kept) as readonly Tensor[])]);
      tf.dispose(saved);
      return gradients;
    };
    return { value, gradFunc };
  });
  return operation(...inputs) as Output;
}
