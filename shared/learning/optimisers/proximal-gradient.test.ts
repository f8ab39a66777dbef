import { expect, test } from 'vitest';
import { describeOnEachEngine } from '../../test/each-engine.ts';
import { proximalGradient } from './proximal-gradient.ts';

describeOnEachEngine('proximalGradient()', (engine) => {
  test('pulls back to where the round began, and changes nothing there', () => {
    const { tf } = engine();
    const [gradient, server] = [tf.tensor1d([1, 1]), tf.tensor1d([2, 2])];
    const parameters = tf.tensor1d([2, 6]);
    const options = { parameters, server, strength: 0.5 };
    expect(proximalGradient(engine(), gradient, options).dataSync()).toEqual(Float32Array.of(1, 3));
  });
});
