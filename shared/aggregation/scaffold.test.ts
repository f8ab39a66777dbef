import { describe, expect, test } from 'vitest';
import '../test/all-close.ts';
import { localCorrection, nextLocalControl, type ScaffoldState, scaffoldStep } from './scaffold.ts';

const one = (value: number) => Float32Array.of(value);

describe('localCorrection()', () => {
  test('is what everybody’s gradient has more than the site’s own', () => {
    expect(localCorrection({ server: Float32Array.of(1, 2), own: Float32Array.of(3, 0) })).toEqual(
      Float32Array.of(-2, 2),
    );
  });

  test('refuses controls of different models', () => {
    expect(() => localCorrection({ server: new Float32Array(2), own: new Float32Array(3) })).toThrow(/found 2, 3/);
  });
});

describe('nextLocalControl()', () => {
  test('is the site’s own mean gradient over its steps', () => {
    // Two steps of 0.1 along gradients 3 and 1, each corrected by c - c_i = 0.5.
    const controls = { server: one(0.75), own: one(0.25) };
    const end = 1 - 0.1 * (3 + 0.5) - 0.1 * (1 + 0.5);
    const next = nextLocalControl(controls, { start: one(1), end: one(end), steps: 2, learningRate: 0.1 });
    expect(next).toBeAllClose([2], { relative: 1e-6, absolute: 0 });
  });
});

describe('scaffoldStep()', () => {
  test('moves the weights by the participants’ mean and the control by all sites’', () => {
    const next = scaffoldStep(
      { weights: one(1), control: one(1) },
      {
        updates: [
          { delta: one(2), controlDelta: one(4) },
          { delta: one(4), controlDelta: one(0) },
        ],
        sites: 4,
        learningRate: 0.5,
      },
    );
    expect(next).toEqual({ weights: one(2.5), control: one(2) });
  });

  test('brings sites with different data to the optimum of all, where plain averaging of local steps does not', () => {
    // Site i's loss is a_i / 2 (w - b_i)^2; the optimum of all is sum(a b) / sum(a) = 2.5.
    const sites = [
      { a: 1, b: 10 },
      { a: 5, b: 1 },
    ];
    const train = (corrected: boolean): number => {
      let server: ScaffoldState = { weights: one(0), control: one(0) };
      let own: Float32Array[] = sites.map(() => one(0));
      for (let round = 0; round < 200; round += 1) {
        const after = sites.map(({ a, b }, site) => {
          const correction = corrected ? localCorrection({ server: server.control, own: own[site]! })[0]! : 0;
          let w = server.weights[0]!;
          for (let step = 0; step < 5; step += 1) w -= 0.1 * (a * (w - b) + correction);
          const controls = { server: server.control, own: own[site]! };
          return {
            w,
            control: nextLocalControl(controls, { start: server.weights, end: one(w), steps: 5, learningRate: 0.1 }),
          };
        });
        const updates = after.map(({ w, control }, site) => ({
          delta: one(w - server.weights[0]!),
          controlDelta: one(control[0]! - own[site]![0]!),
        }));
        own = after.map(({ control }) => control);
        server = scaffoldStep(server, { updates, sites: 2, learningRate: 1 });
      }
      return server.weights[0]!;
    };
    expect(train(true)).toBeCloseTo(2.5, 4);
    expect(Math.abs(train(false) - 2.5)).toBeGreaterThan(0.5);
  });

  test('refuses a round without sites and one with too many', () => {
    const update = { delta: one(1), controlDelta: one(1) };
    const state = { weights: one(1), control: one(0) };
    expect(() => scaffoldStep(state, { updates: [], sites: 3, learningRate: 1 })).toThrow(/1 to 3 updates/);
    expect(() => scaffoldStep(state, { updates: [update, update], sites: 1, learningRate: 1 })).toThrow(RangeError);
  });
});
