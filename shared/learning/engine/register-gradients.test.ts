import { test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';

describeOnEachEngine('registerGradients()', (engine) => {
  const matrix = () => normalTensor(engine(), 'matrix', [3, 4]);
  const row = () => normalTensor(engine(), 'row', [4]);
  const column = () => normalTensor(engine(), 'column', [3, 1]);

  test.each(['add', 'sub', 'mul'] as const)('has the gradient of %s, also where one side is repeated', (name) => {
    for (const inputs of [
      [matrix(), matrix()],
      [matrix(), row()],
      [column(), matrix()],
      [column(), row()],
    ]) {
      expectGradientsToMatchDifferences(engine(), { evaluate: (a, b) => engine().tf[name](a!, b!), inputs });
    }
  });

  test('has the gradient of sums over any axes', () => {
    for (const axis of [undefined, 0, 1, -1, [0, 1]]) {
      expectGradientsToMatchDifferences(engine(), { evaluate: (x) => engine().tf.sum(x!, axis), inputs: [matrix()] });
    }
  });

  test('has the gradients of what moves numbers', () => {
    const { tf } = engine();
    expectGradientsToMatchDifferences(engine(), { evaluate: (x) => tf.reshape(x!, [2, 6]), inputs: [matrix()] });
    expectGradientsToMatchDifferences(engine(), { evaluate: (x) => tf.transpose(x!), inputs: [matrix()] });
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x) => tf.transpose(x!, [2, 0, 1]),
      inputs: [normalTensor(engine(), 'cube', [2, 3, 4])],
    });
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x) => tf.slice(x!, [1, 0], [2, 3]),
      inputs: [matrix()],
    });
    for (const [sizes, axis] of [
      [[1, 2], 0],
      [[1, 1, 2], 1],
    ] as const) {
      expectGradientsToMatchDifferences(engine(), {
        // The others are left out: what nothing depends on has the gradient zero.
        evaluate: (x) => tf.split(x!, [...sizes], axis).at(-1)!,
        inputs: [matrix()],
      });
    }
    expectGradientsToMatchDifferences(engine(), { evaluate: (x) => tf.clone(x!), inputs: [matrix()] });
    expectGradientsToMatchDifferences(engine(), { evaluate: (x) => tf.concat([x!], 1), inputs: [matrix()] });
    for (const axis of [0, 1, -1]) {
      const other = normalTensor(engine(), 'other', axis === 0 ? [2, 4] : [3, 2]);
      expectGradientsToMatchDifferences(engine(), {
        evaluate: (a, b) => tf.concat([a!, b!], axis),
        inputs: [matrix(), other],
      });
    }
  });

  test('has the gradient of relu', () => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x) => engine().tf.relu(x!),
      inputs: [engine().tf.tensor1d([-2, -0.5, 0.5, 2])],
    });
  });
});
