import type { Tensor1D } from '@tensorflow/tfjs-core';
import {
  type AnatomyPretrainingSizes,
  anatomyPretrainingLayout,
  anatomyTextLayout,
} from '../../tensors/layouts/anatomy-pretraining.ts';
import type { Engine } from '../engine/open-engine.ts';
import { createMomentumEncoder, type MomentumEncoder } from '../optimisers/momentum-encoder.ts';

/** fVLM's text side as a momentum encoder; what it follows is the whole model's flat vector. */
export interface MomentumTexts extends Pick<MomentumEncoder, 'parameters' | 'read' | 'dispose'> {
  /** Moves towards the text side of the trained vector, which stays the caller's. */
  follow(trained: Tensor1D): void;
}

/** @throws {TypeError} when the vector's length is not that of the text side. */
export function createMomentumTexts(
  engine: Engine,
  sizes: AnatomyPretrainingSizes,
  {
    momentum,
    trained,
    parameters,
  }: {
    readonly momentum: number;
    /** The whole model's vector, whose text side it starts as unless it has parameters of its own. */
    readonly trained: Float32Array;
    readonly parameters?: Float32Array;
  },
): MomentumTexts {
  const layout = anatomyTextLayout(sizes);
  const first = layout.tensors[0]!.name;
  const { offset } = anatomyPretrainingLayout(sizes).tensors.find(({ name }) => name === first)!;
  const encoder = createMomentumEncoder(engine, layout, {
    values: parameters ?? trained.slice(offset, offset + layout.size),
  });
  return {
    parameters: encoder.parameters,
    read: encoder.read,
    dispose: encoder.dispose,
    follow(flat) {
      const texts: Tensor1D = engine.tf.slice(flat, offset, layout.size);
      encoder.follow(texts, momentum);
      texts.dispose();
    },
  };
}
