import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { initialise } from '../../../tensors/initialise.ts';
import { mambaGeneEncoderLayout } from '../../../tensors/layouts/mamba-gene-encoder.ts';
import { describeOnEachEngine, normalTensor } from '../../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../../test/gradient-check.ts';
import type { Engine } from '../../engine/open-engine.ts';
import { loadParameters, type ParameterTensors } from '../../parameters.ts';
import { encodeGenes } from './mamba-gene-encoder.ts';

const sizes = {
  width: 8,
  depth: 2,
  states: 3,
  convolutionTaps: 4,
  innerRatio: 2,
  normalisation: 'rms',
  embeddingWidth: 5,
  group: 'genes',
} as const;

function parametersFor(engine: Engine, genes: number, genesPerToken: number | null): ParameterTensors {
  const layout = mambaGeneEncoderLayout({ ...sizes, genes, genesPerToken });
  return loadParameters(engine, layout, initialise(layout, 1));
}

describeOnEachEngine('encodeGenes()', (engine) => {
  const genes = 9;
  const close = { relative: 1e-5, absolute: 0 };

  test('treats a gene that was not measured as if its token were not there', () => {
    const { tf } = engine();
    const parameters = parametersFor(engine(), genes, null);
    const values = normalTensor<Tensor2D>(engine(), 'values', [2, genes]);
    // The patients lack different genes, one the first.
    const measured = [
      [1, 2, 4, 5, 6, 8],
      [0, 1, 2, 3, 5, 6, 7, 8],
    ];
    const present = new Uint8Array(2 * genes);
    measured.forEach((list, patient) => {
      for (const gene of list) present[patient * genes + gene] = 1;
    });
    // What stands for an absent value is never read.
    const holed = tf.tensor2d(
      values.dataSync<'float32'>().map((value, index) => (present[index] === 1 ? value : Number.NaN)),
      [2, genes],
    );
    const before = tf.memory().numTensors;
    const { tokens, pooled, embedding } = encodeGenes(engine(), holed, { parameters, present });
    expect(tf.memory().numTensors).toBe(before + 3);
    measured.forEach((list, patient) => {
      const few = new Map(parameters);
      const table = parameters.get('gene_embed.weight')!;
      few.set('gene_embed.weight', tf.gather(table, list));
      const own = tf.gather(tf.slice(values, [patient, 0], [1, genes]), list, 1) as Tensor2D;
      const alone = encodeGenes(engine(), own, { parameters: few });
      expect(tf.slice(embedding, patient, 1).dataSync()).toBeAllClose(alone.embedding.dataSync(), close);
      expect(tf.slice(pooled, patient, 1).dataSync()).toBeAllClose(alone.pooled.dataSync(), close);
      const ownTokens = tf.gather(tf.slice(tokens, [patient, 0, 0], [1, genes, 8]), list, 1);
      expect(ownTokens.dataSync()).toBeAllClose(alone.tokens.dataSync(), close);
    });
  });

  test('changes nothing when all genes are marked present', () => {
    const parameters = parametersFor(engine(), genes, null);
    const values = normalTensor<Tensor2D>(engine(), 'values', [2, genes]);
    const marked = encodeGenes(engine(), values, { parameters, present: new Uint8Array(2 * genes).fill(1) });
    expect(marked.embedding.dataSync()).toEqual(encodeGenes(engine(), values, { parameters }).embedding.dataSync());
  });

  test('makes tokens of consecutive genes, the last with zeros for the genes that it lacks', () => {
    const { tf } = engine();
    const parameters = parametersFor(engine(), 10, 4);
    const values = normalTensor<Tensor2D>(engine(), 'values', [2, 10]);
    const { tokens, embedding } = encodeGenes(engine(), values, { parameters });
    expect(tokens.shape).toEqual([2, 3, 8]);
    const filled = tf.pad(values, [
      [0, 0],
      [0, 2],
    ]) as Tensor2D;
    expect(embedding.dataSync()).toEqual(encodeGenes(engine(), filled, { parameters }).embedding.dataSync());
  });

  test('has the gradient of its differences where genes are absent', () => {
    const parameters = parametersFor(engine(), 4, null);
    const present = Uint8Array.of(0, 1, 1, 1, 1, 1, 0, 1);
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (values, table) =>
        encodeGenes(engine(), values as Tensor2D, {
          parameters: new Map([...parameters, ['gene_embed.weight', table]]),
          present,
        }).embedding,
      inputs: [normalTensor(engine(), 'values', [2, 4]), normalTensor(engine(), 'table', [4, 8])],
    });
  });

  test('refuses profiles of other genes and profiles without any', () => {
    const parameters = parametersFor(engine(), genes, null);
    const values = normalTensor<Tensor2D>(engine(), 'values', [1, genes]);
    const encode = (marks: number) => encodeGenes(engine(), values, { parameters, present: new Uint8Array(marks) });
    expect(() => encodeGenes(engine(), normalTensor(engine(), 'values', [1, 7]), { parameters })).toThrow('7 genes');
    expect(() => encode(genes)).toThrow('without a measured gene');
    expect(() => encode(genes - 1)).toThrow('needed 1 x 9 marks, found 8');
  });
});
