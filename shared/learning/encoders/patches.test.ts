import { expect, test } from 'vitest';
import { describeOnEachEngine } from '../../test/each-engine.ts';
import { patches } from './patches.ts';

describeOnEachEngine('patches()', (engine) => {
  test('cuts row by row, and each patch row by row', () => {
    const image = engine().tf.tensor3d(
      [
        [0, 1, 10, 11, 20, 21],
        [2, 3, 12, 13, 22, 23],
        [30, 31, 40, 41, 50, 51],
        [32, 33, 42, 43, 52, 53],
      ].flat(),
      [1, 4, 6],
    );
    const cut = patches(engine(), image, 2);
    expect(cut.shape).toEqual([6, 4]);
    const tens = [0, 10, 20, 30, 40, 50];
    expect([...cut.dataSync()]).toEqual(tens.flatMap((ten) => [ten, ten + 1, ten + 2, ten + 3]));
  });

  test('refuses an image that is not whole patches', () => {
    expect(() => patches(engine(), engine().tf.zeros([1, 4, 5]), 2)).toThrow(
      'Cannot cut images of 4 x 5 pixels into patches of 2 pixels a side',
    );
  });
});
