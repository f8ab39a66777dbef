import { expect, test } from 'vitest';
import { createLayout } from '../tensors/layout.ts';
import { describeOnEachEngine, withHabits } from '../test/each-engine.ts';
import { disposeParameters, loadParameters, parameter, readParameters, splitParameters } from './parameters.ts';

const zeros = { kind: 'zeros' } as const;
const layout = createLayout([
  { name: 'weight', shape: [2, 3], initialiser: zeros, group: 'all' },
  { name: 'bias', shape: [2], initialiser: zeros, group: 'all' },
]);
const values = () => Float32Array.of(0, 1, 2, 3, 4, 5, 10, 11);

describeOnEachEngine('parameters', (engine) => {
  test('loadParameters() names the tensors in layout order, and readParameters() gives the vector back', async () => {
    const parameters = loadParameters(engine(), layout, values());
    expect([...parameters.keys()]).toEqual(['weight', 'bias']);
    expect(parameter(parameters, 'weight').shape).toEqual([2, 3]);
    expect(parameter(parameters, 'bias').dataSync()).toEqual(Float32Array.of(10, 11));
    expect(await readParameters(layout, parameters)).toEqual(values());
    disposeParameters(parameters);
  });

  test('loadParameters() does not go on using the array', () => {
    const vector = values();
    const parameters = loadParameters(engine(), layout, vector);
    vector.fill(-1);
    expect(parameter(parameters, 'bias').dataSync()).toEqual(Float32Array.of(10, 11));
    disposeParameters(parameters);
  });

  test('loadParameters() refuses a vector of another length', () => {
    expect(() => loadParameters(engine(), layout, new Float32Array(7))).toThrow(
      'Cannot load parameters: the layout has 8 numbers, found 7',
    );
  });

  test.each([true, false])('splitParameters() splits a flat tensor (host loops: %s)', (hostLoops) => {
    const { tf } = engine();
    const flat = tf.tensor1d(values());
    const before = tf.memory().numTensors;
    const parameters = splitParameters(withHabits(engine(), { hostLoops }), layout, flat);
    expect(parameter(parameters, 'weight').arraySync()).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(parameter(parameters, 'bias').dataSync()).toEqual(Float32Array.of(10, 11));
    disposeParameters(parameters);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('parameter() refuses a name that is not there', () => {
    expect(() => parameter(new Map(), 'bias')).toThrow('Cannot find the parameter "bias"');
  });
});
