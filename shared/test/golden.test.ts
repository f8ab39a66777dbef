import { expect, test } from 'vitest';
import './all-close.ts';
import { describeOnEachEngine } from './each-engine.ts';
import { goldenCases, goldenTensors, toleranceOf } from './golden/golden-files.ts';
import { runGoldenCase } from './golden.ts';

describeOnEachEngine('runGoldenCase()', (engine) => {
  test.each(
    goldenCases().map((goldenCase) => [goldenCase.name, goldenCase] as const),
  )('agrees with the reference in %s', async (_name, goldenCase) => {
    const tensors = goldenTensors(goldenCase);
    const expected = [...tensors].filter(([tensor]) => /^(output\.|grad\.|scalar$)/.test(tensor));
    const before = engine().tf.memory().numTensors;
    const results = await runGoldenCase(goldenCase, tensors, { engine: engine() });
    expect(engine().tf.memory().numTensors, 'tensors left behind').toBe(before);
    for (const [tensor, { shape, data }] of expected) {
      const result = results[tensor];
      expect(result?.shape, `the shape of ${tensor}`).toEqual(shape);
      if (data instanceof Float32Array) {
        expect(result!.data as Float32Array, tensor).toBeAllClose(data, toleranceOf(goldenCase, tensor));
      } else {
        expect(Array.from(result!.data, Number), tensor).toEqual(Array.from(data, Number));
      }
    }
  });
});
