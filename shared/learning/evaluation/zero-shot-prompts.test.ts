import { describe, expect, test } from 'vitest';
import { fvlmPrompts, macoPrompts, meanEmbedding } from './zero-shot-prompts.ts';

describe('macoPrompts() and fvlmPrompts()', () => {
  test('name the finding in each sentence but the one about clear lungs', () => {
    const { positive, negative } = macoPrompts('pleural effusion');
    expect(positive).toEqual(['There is pleural effusion.']);
    expect(negative.filter((prompt) => prompt.includes('pleural effusion'))).toHaveLength(3);
    expect(fvlmPrompts('Emphysema')).toEqual({ positive: ['Emphysema.'], negative: ['Not Emphysema.'] });
  });
});

describe('meanEmbedding()', () => {
  test('averages the rows, and refuses a broken one', () => {
    expect([...meanEmbedding(Float32Array.of(1, 2, 3, 6), 2)]).toEqual([2, 4]);
    expect(() => meanEmbedding(Float32Array.of(1, 2, 3), 2)).toThrow(TypeError);
    expect(() => meanEmbedding(new Float32Array(0), 2)).toThrow(TypeError);
  });
});
