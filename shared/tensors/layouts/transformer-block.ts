import type { TensorSpec } from '../layout.ts';
import { layerNorm } from './layer-norm.ts';

export interface TransformerBlockSizes {
  readonly width: number;
  readonly mlpWidth: number;
  readonly group: string;
}

/**
 * The tensors of timm's `Block`.
 *
 * @param options.linear a fully connected layer, started as the encoder starts its own.
 */
export function transformerBlock(
  name: string,
  {
    width,
    mlpWidth,
    group,
    linear,
  }: TransformerBlockSizes & {
    readonly linear: (name: string, widths: { inputWidth: number; outputWidth: number }) => TensorSpec[];
  },
): TensorSpec[] {
  return [
    ...layerNorm(`${name}.norm1`, { width, group }),
    ...linear(`${name}.attn.qkv`, { inputWidth: width, outputWidth: 3 * width }),
    ...linear(`${name}.attn.proj`, { inputWidth: width, outputWidth: width }),
    ...layerNorm(`${name}.norm2`, { width, group }),
    ...linear(`${name}.mlp.fc1`, { inputWidth: width, outputWidth: mlpWidth }),
    ...linear(`${name}.mlp.fc2`, { inputWidth: mlpWidth, outputWidth: width }),
  ];
}
