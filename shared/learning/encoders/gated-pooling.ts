/**
 * Gated attention pooling (Ilse et al. 2018, arXiv 1802.04712, section 2.4) under CLAM's tensor names: the scores are
 * c(tanh(A h) * sigmoid(B h)). CLAM's drop-out on the gates is left out.
 */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from '../ops/differentiable.ts';
import type { ParameterTensors } from '../parameters.ts';
import { type AttendedBags, attentionPooling, type PackedBags } from './attention-pooling.ts';
import { namedLayers } from './named-layers.ts';

/** Pools the slices as they are. Tensor names are CLAM's `Attn_Net_Gated` after the prefix. */
export function gatedPooling(
  engine: Engine,
  bags: PackedBags,
  options: { readonly parameters: ParameterTensors; readonly prefix?: string },
): AttendedBags {
  const { linear } = namedLayers(engine, options);
  const gated = gate(engine, linear('attention_a.0', bags.slices), linear('attention_b.0', bags.slices));
  return attentionPooling(engine, bags, linear('attention_c', gated));
}

/** tanh(a) * sigmoid(b), element by element. */
function gate(engine: Engine, a: Tensor2D, b: Tensor2D): Tensor2D {
  const { tf } = engine;
  return differentiable(engine, [a, b], {
    forward: (ofContent, ofOpening) => {
      const content = tf.tanh(ofContent);
      const opening = tf.sigmoid(ofOpening);
      const gated = tf.mul(content, opening) as Tensor2D;
      return { value: gated, keep: { content, opening, gated } };
    },
    // (1 - t^2) s and t s (1 - s), from the product t s that is already there.
    backward: (dy, { content, opening, gated }) => [
      tf.mul(dy, tf.sub(opening, tf.mul(gated, content))),
      tf.mul(dy, tf.sub(gated, tf.mul(gated, opening))),
    ],
  });
}
