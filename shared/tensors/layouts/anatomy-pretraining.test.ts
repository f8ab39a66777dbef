import { describe, expect, test } from 'vitest';
import { initialise } from '../initialise.ts';
import { tensorView } from '../layout.ts';
import { anatomyLayout, FVLM } from './anatomy.ts';
import { type AnatomyPretrainingSizes, anatomyPretrainingLayout, anatomyTextLayout } from './anatomy-pretraining.ts';
import { BERT_BASE, bertLayout } from './bert.ts';

const published: AnatomyPretrainingSizes = { ...FVLM, organs: 4, text: BERT_BASE };

describe('anatomyPretrainingLayout()', () => {
  test('joins fVLM’s image side, its text encoder without a pooler, the projection and the temperature', () => {
    const layout = anatomyPretrainingLayout(published);
    const image = anatomyLayout({ ...published, group: 'volume' });
    const text = bertLayout({ ...BERT_BASE, pooler: false, prefix: 'text_encoder', group: 'report' });
    expect(layout.tensors.map(({ name, shape }) => `${name} [${shape.join(',')}]`)).toEqual([
      ...[...image.tensors, ...text.tensors].map(({ name, shape }) => `${name} [${shape.join(',')}]`),
      'text_proj.weight [256,768]',
      'text_proj.bias [256]',
      'temp []',
    ]);
    expect(layout.groups).toEqual(['volume', 'report']);
  });

  test('starts at a temperature of 0.07', () => {
    const text = { ...BERT_BASE, vocabulary: 3, width: 4, depth: 1, mlpWidth: 4, maximumTokens: 2 };
    const small = anatomyPretrainingLayout({
      ...published,
      ...{ volumeVoxels: [2, 2, 2], patchVoxels: [2, 1, 2], width: 4, depth: 1, mlpWidth: 4, text },
    });
    expect(tensorView(small, initialise(small, 1), 'temp')[0]).toBe(Math.fround(0.07));
  });
});

test('anatomyTextLayout() is the text side, as it lies in the whole', () => {
  const [whole, texts] = [anatomyPretrainingLayout(published), anatomyTextLayout(published)];
  const first = whole.tensors.findIndex(({ name }) => name === texts.tensors[0]!.name);
  const side = whole.tensors.slice(first, first + texts.tensors.length);
  expect(side.map(({ name }) => name)).toEqual(texts.tensors.map(({ name }) => name));
  expect(texts.tensors.at(-1)!.name).toBe('text_proj.bias');
  expect(texts.tensors[0]!.name).toBe('text_encoder.embeddings.word_embeddings.weight');
});
