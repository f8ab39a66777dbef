import type { Scalar, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { VitArchitecture } from '../../tensors/layouts/vit.ts';
import { projectionHead } from '../encoders/projection-head.ts';
import { sliceEmbedding } from '../encoders/slice-encoder.ts';
import type { Engine } from '../engine/open-engine.ts';
import { ntXent } from '../objectives/nt-xent.ts';
import { cachedGradient } from '../optimisers/cached-gradient.ts';
import type { ParameterTensors } from '../parameters.ts';
import { imagesAtOnce } from './images-at-once.ts';

/**
 * SimCLR's loss over the views of a batch and its gradient, flat in the parameters' order. The caller disposes both.
 *
 * @param options.views [views, size, size] with pixels 0..1: all views of the batch, or this thread's share of them.
 * @param options.gather from this thread's embeddings to those of the whole batch; not needed where there is one thread.
 */
export function contrastGradient(
  engine: Engine,
  parameters: ParameterTensors,
  {
    views,
    architecture,
    temperature,
    viewsAtOnce = imagesAtOnce({ architecture, imageSizePixels: views.shape[1] }, engine.kind),
    gather = (embeddings) => embeddings,
  }: {
    readonly views: Tensor3D;
    readonly architecture: VitArchitecture;
    readonly temperature: number;
    readonly viewsAtOnce?: number | undefined;
    readonly gather?: (embeddings: Tensor2D) => Tensor2D;
  },
): { value: Scalar; gradient: Tensor1D } {
  return cachedGradient(engine, parameters, {
    inputs: views,
    inputsAtOnce: viewsAtOnce,
    encode: (part) => sliceEmbedding(engine, part, { architecture, parameters }),
    loss: (embeddings) => ntXent(engine, projectionHead(engine, gather(embeddings), parameters), { temperature }),
  });
}
