import { describe, expect, test } from 'vitest';
import { testAgainstReference } from '../../test/reference-layouts.ts';
import { initialise } from '../initialise.ts';
import { tensorView } from '../layout.ts';
import { BERT_BASE, BERT_SMALL, bertLayout } from './bert.ts';

describe('bertLayout()', () => {
  testAgainstReference('HF BertModel bert-base-uncased config', () =>
    bertLayout({ ...BERT_BASE, pooler: true, group: 'text' }),
  );
  testAgainstReference('HF BertModel small MaCo cfg (384,6,6,1536,vocab30000,pos100)', () =>
    bertLayout({ ...BERT_SMALL, pooler: true, group: 'text' }),
  );

  test('has the published number of parameters', () => {
    expect(bertLayout({ ...BERT_BASE, pooler: true, group: 'text' }).size).toBe(109_482_240);
  });

  const tiny = { vocabulary: 9, maximumTokens: 5, width: 4, depth: 1, mlpWidth: 6, group: 'text' };

  test('puts a prefix before every name and leaves the pooler out', () => {
    const names = bertLayout({ ...tiny, pooler: false, prefix: 'text_encoder' }).tensors.map(({ name }) => name);
    expect(names).toEqual(
      bertLayout({ ...tiny, pooler: true })
        .tensors.map(({ name }) => `text_encoder.${name}`)
        .slice(0, -2),
    );
    expect(names.at(-1)).toBe('text_encoder.encoder.layer.0.output.LayerNorm.bias');
  });

  test('starts with unit layer norms, zero biases and small weights', () => {
    const layout = bertLayout({ ...tiny, pooler: true });
    const values = initialise(layout, 1);
    const tensor = (name: string) => tensorView(layout, values, name);
    expect(tensor('embeddings.LayerNorm.weight').every((value) => value === 1)).toBe(true);
    expect(tensor('encoder.layer.0.attention.self.query.bias').every((value) => value === 0)).toBe(true);
    expect(Math.max(...tensor('pooler.dense.weight').map(Math.abs))).toBeLessThanOrEqual(Math.fround(0.04));
  });
});
