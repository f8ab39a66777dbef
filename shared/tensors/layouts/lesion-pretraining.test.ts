import { expect, test } from 'vitest';
import { createLayout } from '../layout.ts';
import { lesionPretrainingLayout } from './lesion-pretraining.ts';

test('lesionPretrainingLayout() begins with what the keys have, and ends with the predictor', () => {
  const encoder = createLayout([{ name: 'encoder', shape: [4], initialiser: { kind: 'zeros' }, group: 'slice' }]);
  const { queries, keys } = lesionPretrainingLayout({
    encoder,
    encoderWidth: 4,
    hiddenWidth: 6,
    embeddingWidth: 3,
    group: 'slice',
  });
  expect(queries.tensors.slice(0, keys.tensors.length)).toEqual(keys.tensors);
  expect(keys.tensors[0]!.name).toBe('encoder');
  expect(keys.tensors.some(({ name }) => name.startsWith('predictor'))).toBe(false);
  expect(queries.tensors.slice(keys.tensors.length).map(({ name }) => name)).toEqual([
    'predictor.0.weight',
    'predictor.1.weight',
    'predictor.1.bias',
    'predictor.3.weight',
  ]);
});
