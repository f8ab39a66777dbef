import { describe, expect, test } from 'vitest';
import { createLayout, filterLayout, layoutHash, type TensorSpec, tensorView } from './layout.ts';

const zeros = { kind: 'zeros' } as const;
const specs: TensorSpec[] = [
  { name: 'a.weight', shape: [2, 3], initialiser: zeros, group: 'image' },
  { name: 'b.weight', shape: [4], initialiser: zeros, group: 'clinical' },
  { name: 'a.bias', shape: [2], initialiser: zeros, group: 'image' },
];

describe('createLayout()', () => {
  test('places tensors one after another and lists groups by first appearance', () => {
    const layout = createLayout(specs);
    expect(layout.tensors.map(({ offset, size }) => [offset, size])).toEqual([
      [0, 6],
      [6, 4],
      [10, 2],
    ]);
    expect(layout.groups).toEqual(['image', 'clinical']);
    expect(layout.size).toBe(12);
  });

  test('places the tensors of other layouts anew', () => {
    const layout = createLayout(specs);
    expect(createLayout(layout.tensors)).toEqual(layout);
  });

  test('refuses two tensors of one name', () => {
    expect(() => createLayout([specs[0]!, specs[0]!])).toThrow('"a.weight"');
  });

  test.each([[[0]], [[-1]], [[1.5]], [[Number.NaN]]])('refuses the shape %j', (shape) => {
    expect(() => createLayout([{ ...specs[0]!, shape }])).toThrow(RangeError);
  });
});

describe('layoutHash()', () => {
  test('names shapes, groups and order, and nothing else', () => {
    const hash = layoutHash(createLayout(specs));
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    const changed = (index: number, change: Partial<TensorSpec>) =>
      layoutHash(createLayout(specs.map((spec, at) => (at === index ? { ...spec, ...change } : spec))));
    expect(changed(0, { initialiser: { kind: 'ones' } })).toBe(hash);
    expect(changed(0, { shape: [3, 2] })).not.toBe(hash);
    expect(changed(0, { group: 'expression' })).not.toBe(hash);
    expect(changed(0, { name: 'c.weight' })).not.toBe(hash);
    expect(layoutHash(createLayout([...specs].reverse()))).not.toBe(hash);
  });
});

describe('filterLayout()', () => {
  test('keeps the chosen tensors and closes the gaps', () => {
    const images = filterLayout(createLayout(specs), ({ group }) => group === 'image');
    expect(images.tensors.map(({ name, offset }) => [name, offset])).toEqual([
      ['a.weight', 0],
      ['a.bias', 6],
    ]);
    expect(images.size).toBe(8);
  });
});

describe('tensorView()', () => {
  test('shares the numbers of the flat vector', () => {
    const layout = createLayout(specs);
    const values = Float32Array.from({ length: layout.size }, (_, index) => index);
    const view = tensorView(layout, values, 'b.weight');
    expect([...view]).toEqual([6, 7, 8, 9]);
    view[0] = 100;
    expect(values[6]).toBe(100);
  });

  test('refuses a name the layout does not have', () => {
    expect(() => tensorView(createLayout(specs), new Float32Array(12), 'c')).toThrow('"c"');
  });
});
