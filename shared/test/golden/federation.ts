import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { localCorrection, nextLocalControl, type ScaffoldState, scaffoldStep } from '../../aggregation/scaffold.ts';
import { type ServerOptimiser, serverStep } from '../../aggregation/server-optimiser.ts';
import { weightedMean } from '../../aggregation/weighted-mean.ts';
import type { Engine } from '../../learning/engine/open-engine.ts';
import { rowProducts } from '../../learning/ops/row-products.ts';
import { flatGradient } from '../../learning/optimisers/flat-gradient.ts';
import { proximalGradient } from '../../learning/optimisers/proximal-gradient.ts';
import { createSgd } from '../../learning/optimisers/sgd.ts';
import { createLayout } from '../../tensors/layout.ts';
import { flatParameters, namedParts } from './flat-parameters.ts';
import type { GoldenContext, GoldenOutput, GoldenProgram, GoldenPrograms } from './program.ts';

type Settings = Record<string, number>;

function serverProgram(optimiserOf: (config: Settings) => ServerOptimiser): GoldenProgram {
  return (context) => {
    const { config, numbers, shape } = context;
    const start = flatParameters(context);
    const { layout } = start;
    const [rounds, clients] = shape('input.participation') as [number, number];
    const participation = numbers('input.participation');
    const examples = numbers('input.examples');
    const outputs: Record<string, GoldenOutput> = {};
    let weights = start.values;
    let state: Float32Array | null = null;
    for (let round = 1; round <= rounds; round += 1) {
      const present = Array.from({ length: clients }, (_, client) => client).filter(
        (client) => participation[(round - 1) * clients + client] === 1,
      );
      const meanDelta = weightedMean(
        present.map((client) => ({
          values: flatParameters(context, { kind: `input.delta.round${round}.client${client}` }).values,
          weight: config['weighting'] === 'uniform' ? 1 : examples[client]!,
        })),
      );
      const trained = [{ offset: 0, size: layout.size }];
      ({ weights, state } = serverStep(optimiserOf(config as Settings), { weights, meanDelta, state, trained }));
      const vectors: Record<string, Float32Array> = { param: weights, pseudo_gradient: meanDelta };
      if (state !== null) Object.assign(vectors, { m: state.slice(0, layout.size), v: state.slice(layout.size) });
      for (const [name, vector] of Object.entries(vectors)) {
        if (vector.length > 0) Object.assign(outputs, namedParts(layout, vector, `round${round}.${name}.`));
      }
    }
    return outputs;
  };
}

const adaptive = (kind: 'fedadam' | 'fedyogi' | 'fedadagrad') =>
  serverProgram(({ server_lr, beta1, beta2 = 0, tau }) => ({
    kind,
    learningRate: server_lr!,
    beta1: beta1!,
    beta2,
    tau: tau!,
  }));

/** The value and the gradient in w of 1 / (2n) ||X w - y||^2. The caller disposes both. */
function leastSquares(
  engine: Engine,
  { x, y, w }: { x: Tensor2D; y: Tensor1D; w: Tensor1D },
): { value: Scalar; gradient: Tensor1D } {
  const { tf } = engine;
  return flatGradient(engine, new Map([['w', w]]), {
    compute: () => {
      const predicted = tf.reshape(rowProducts(engine, [x, tf.reshape(w, [1, -1]) as Tensor2D]), [-1]);
      const difference = tf.sub(predicted, y);
      return tf.mul(tf.sum(tf.mul(difference, difference)), 1 / (2 * y.size)) as Scalar;
    },
  });
}

const fedProx: GoldenProgram = async (context) => {
  const { engine, input } = context;
  const { tf } = engine;
  const { mu: strength, lr } = context.config as Settings;
  const { layout, values } = flatParameters(context);
  const optimiser = createSgd(engine, layout, { values });
  const server = tf.tensor1d(values);
  const outputs: Record<string, GoldenOutput> = {};
  // The reference takes five steps whatever the data.
  for (let step = 1; step <= 5; step += 1) {
    const parameters = optimiser.flat();
    const ofLoss = leastSquares(engine, { x: input('X'), y: input('y'), w: parameters });
    const gradient = proximalGradient(engine, ofLoss.gradient, { parameters, server, strength: strength! });
    const distance = tf.tidy(() => tf.sum(tf.squaredDifference(parameters, server)));
    outputs[`step${step}.objective`] = (await ofLoss.value.data())[0]! + (strength! / 2) * (await distance.data())[0]!;
    optimiser.step(gradient, { learningRate: lr! });
    Object.assign(outputs, namedParts(layout, await gradient.data<'float32'>(), `step${step}.grad.`));
    Object.assign(outputs, namedParts(layout, await optimiser.read(), `step${step}.param.`));
    tf.dispose([ofLoss.value, ofLoss.gradient, gradient, distance]);
  }
  optimiser.dispose();
  server.dispose();
  return outputs;
};

const scaffold: GoldenProgram = async (context) => {
  const { config, numbers, shape } = context;
  const { server_lr: learningRate } = config as Settings;
  const start = flatParameters(context);
  const [rounds, sites] = shape('input.participation') as [number, number];
  const outputs: Record<string, GoldenOutput> = {};
  let server: ScaffoldState = { weights: start.values, control: new Float32Array(start.layout.size) };
  const controls: Float32Array[] = Array.from({ length: sites }, () => new Float32Array(start.layout.size));
  for (let round = 1; round <= rounds; round += 1) {
    const updates: { delta: Float32Array; controlDelta: Float32Array }[] = [];
    for (let site = 0; site < sites; site += 1) {
      if (numbers('input.participation')[(round - 1) * sites + site] !== 1) continue;
      const own = controls[site]!;
      const { end, control } = await trainAtSite(context, { server, own, site, round, outputs });
      outputs[`round${round}.client${site}.control`] = control;
      updates.push({
        delta: end.map((value, i) => value - server.weights[i]!),
        controlDelta: control.map((value, i) => value - own[i]!),
      });
      controls[site] = control;
    }
    server = scaffoldStep(server, { updates, sites, learningRate: learningRate! });
    outputs[`round${round}.control`] = server.control;
    outputs[`round${round}.param.w`] = server.weights;
  }
  return outputs;
};

/** A site's local steps in one round, and its next control. */
async function trainAtSite(
  { engine, config, input }: GoldenContext,
  {
    server,
    own,
    site,
    round,
    outputs,
  }: {
    server: ScaffoldState;
    own: Float32Array;
    site: number;
    round: number;
    outputs: Record<string, GoldenOutput>;
  },
): Promise<{ end: Float32Array; control: Float32Array }> {
  const { tf } = engine;
  const { local_steps: steps, local_lr: learningRate, option } = config as Settings;
  const data = { x: input<Tensor2D>(`X${site}`), y: input<Tensor1D>(`y${site}`) };
  const controls = { server: server.control, own };
  const correction = tf.tensor1d(localCorrection(controls));
  const layout = createLayout([{ name: 'w', shape: [own.length], initialiser: { kind: 'zeros' }, group: 'all' }]);
  const optimiser = createSgd(engine, layout, { values: server.weights });
  let firstGradient = own;
  for (let step = 1; step <= steps!; step += 1) {
    const { value, gradient } = leastSquares(engine, { ...data, w: optimiser.flat() });
    if (step === 1) firstGradient = Float32Array.from(await gradient.data<'float32'>());
    const corrected: Tensor1D = tf.add(gradient, correction);
    optimiser.step(corrected, { learningRate: learningRate! });
    outputs[`round${round}.client${site}.step${step}.w`] = await optimiser.read();
    tf.dispose([value, gradient, corrected]);
  }
  const end = await optimiser.read();
  optimiser.dispose();
  correction.dispose();
  const local = { start: server.weights, end, steps: steps!, learningRate: learningRate! };
  return { end, control: option === 1 ? firstGradient : nextLocalControl(controls, local) };
}

export const federation: GoldenPrograms = {
  fed_fedavg: serverProgram(({ server_lr: learningRate = 1 }) => ({ kind: 'fedavg', learningRate })),
  fed_fedavgm: serverProgram(({ server_lr, beta }) => ({ kind: 'fedavgm', learningRate: server_lr!, momentum: beta! })),
  fed_fedadam: adaptive('fedadam'),
  fed_fedyogi: adaptive('fedyogi'),
  fed_fedadagrad: adaptive('fedadagrad'),
  fed_fedprox: fedProx,
  fed_scaffold: scaffold,
};
