/**
 * The encoder of a patient's table row (MEDFORM's MLP): two blocks of Linear, LayerNorm, ReLU, then a Linear into the
 * shared space. The first block stays at the site: its shape depends on the site's own columns, and the gradient of a
 * first layer over raw values gives single rows away.
 */
import { createLayout, type ParameterLayout } from '../layout.ts';
import { layerNorm } from './layer-norm.ts';
import { linear } from './linear.ts';

/** The part that travels: `PREFIX.blocks.1.*` and `PREFIX.blocks.2.*`. */
export function tabularSharedLayout(
  prefix: string,
  options: { readonly hiddenWidth: number; readonly embeddingWidth: number; readonly group: string },
): ParameterLayout {
  const { hiddenWidth, embeddingWidth, group } = options;
  return createLayout([
    ...linear(`${prefix}.blocks.1.0`, { inputWidth: hiddenWidth, outputWidth: hiddenWidth, group }),
    ...layerNorm(`${prefix}.blocks.1.1`, { width: hiddenWidth, group }),
    ...linear(`${prefix}.blocks.2`, { inputWidth: hiddenWidth, outputWidth: embeddingWidth, group }),
  ]);
}

/** The part that never leaves the site: `PREFIX.blocks.0.*`. */
export function tabularLocalLayout(
  prefix: string,
  options: { readonly inputWidth: number; readonly hiddenWidth: number; readonly group: string },
): ParameterLayout {
  const { inputWidth, hiddenWidth, group } = options;
  return createLayout([
    ...linear(`${prefix}.blocks.0.0`, { inputWidth, outputWidth: hiddenWidth, group }),
    ...layerNorm(`${prefix}.blocks.0.1`, { width: hiddenWidth, group }),
  ]);
}
