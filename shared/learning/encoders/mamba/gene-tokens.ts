/**
 * Expression profiles as tokens, in one of two forms, which the parameters tell: a token for each gene, `gene_embed` plus
 * the value through `value_proj`; or a token for every so many consecutive genes, their values through `gene_patch` plus
 * `pos_embed`, which shortens the sequence. The order of genes must be fixed: the encoder depends on it.
 */
import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../../engine/open-engine.ts';
import { addPositions } from '../../ops/add-positions.ts';
import { linear } from '../../ops/linear.ts';
import { type ParameterTensors, parameter } from '../../parameters.ts';

/** How many consecutive genes make a token. */
export function genesPerToken(parameters: ParameterTensors): number {
  return parameters.has('gene_patch.weight') ? parameter<Tensor2D>(parameters, 'gene_patch.weight').shape[1] : 1;
}

/**
 * values [patients, genes] -> [patients, tokens, width]. Where the last token lacks genes, zeros stand for them.
 *
 * @throws {TypeError} when the parameters are for another number of genes.
 */
export function geneTokens(
  engine: Engine,
  values: Tensor2D,
  { parameters }: { readonly parameters: ParameterTensors },
): Tensor3D {
  const { tf } = engine;
  const [patients, genes] = values.shape;
  const size = genesPerToken(parameters);
  const tokens = Math.ceil(genes / size);
  const [layer, table] = parameters.has('gene_patch.weight')
    ? ['gene_patch', parameter<Tensor2D>(parameters, 'pos_embed')]
    : ['value_proj', parameter<Tensor2D>(parameters, 'gene_embed.weight')];
  const weight = parameter<Tensor2D>(parameters, `${layer}.weight`);
  const places: Tensor2D = tf.reshape(table, [-1, weight.shape[0]]);
  if (places.shape[0] !== tokens) {
    throw new TypeError(
      `Cannot read profiles of ${genes} genes: the encoder has ${places.shape[0]} tokens of ${size} genes, found profiles that make ${tokens}`,
    );
  }
  const missing = tokens * size - genes;
  const filled = missing === 0 ? values : tf.concat([values, tf.zeros([patients, missing])], 1);
  const rows = linear(engine, tf.reshape(filled, [patients * tokens, size]) as Tensor2D, {
    weight,
    bias: parameter<Tensor1D>(parameters, `${layer}.bias`),
  });
  const placed = addPositions(engine, rows, { table: places, sequences: patients });
  return tf.reshape(placed, [patients, tokens, weight.shape[0]]);
}
