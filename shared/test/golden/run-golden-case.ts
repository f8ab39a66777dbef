/** Computes a reference case on an engine: its outputs, the differentiated scalar and all gradients. */
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { type Engine, openEngine } from '../../learning/engine/open-engine.ts';
import type { GoldenCase, GoldenContext, GoldenOutput, GoldenTensor } from './program.ts';
import { findProgram } from './programs.ts';

/**
 * Runs one case of `cases.json`. Of `tensors` only `param.*`, `input.*` and `cotangent*` are read, so that no expected
 * value can leak into the result. The engine is the best one here (or the one that `WARDROUND_ENGINE` names) unless given.
 *
 * @returns `output.*` and, for differentiable cases, `scalar` and `grad.*`; each with shape and numbers.
 * @throws {RangeError} for a case that no program computes.
 */
export async function runGoldenCase(
  goldenCase: GoldenCase,
  tensors: Readonly<Record<string, GoldenTensor>> | ReadonlyMap<string, GoldenTensor>,
  { engine }: { readonly engine?: Engine } = {},
): Promise<Record<string, GoldenTensor>> {
  const program = findProgram(goldenCase.name);
  if (program === null) throw new RangeError(`Cannot compute "${goldenCase.name}": no program here is for such a case`);
  const entries = tensors instanceof Map ? [...tensors] : Object.entries(tensors);
  const used: ReadonlyMap<string, GoldenTensor> = new Map(
    entries.filter(([name]) => /^(param\.|input\.|cotangent(\.|$))/.test(name)),
  );
  const opened = engine ?? (await openEngine());
  const { tf } = opened;
  const loaded = load(opened, used);
  const context = contextOf(opened, { goldenCase, used, loaded });
  try {
    if (!goldenCase.differentiable) return await read(await program(context));
    return await differentiate(opened, { goldenCase, loaded, compute: () => program(context) });
  } finally {
    tf.dispose([...loaded.values()]);
  }
}

function load({ tf }: Engine, used: ReadonlyMap<string, GoldenTensor>): ReadonlyMap<string, Tensor> {
  const loaded = new Map<string, Tensor>();
  for (const [name, { shape, data }] of used) {
    if (data instanceof BigInt64Array) continue;
    loaded.set(name, tf.tensor(data.slice(), [...shape], data instanceof Int32Array ? 'int32' : 'float32'));
  }
  return loaded;
}

function contextOf(
  engine: Engine,
  {
    goldenCase,
    used,
    loaded,
  }: { goldenCase: GoldenCase; used: ReadonlyMap<string, GoldenTensor>; loaded: ReadonlyMap<string, Tensor> },
): GoldenContext {
  const find = <T>(map: ReadonlyMap<string, T>, name: string): T => {
    const found = map.get(name);
    if (found === undefined) throw new RangeError(`Cannot compute "${goldenCase.name}": it has no "${name}"`);
    return found;
  };
  return {
    engine,
    name: goldenCase.name,
    config: goldenCase.config,
    parameters: new Map(
      [...loaded].flatMap(([name, tensor]) =>
        name.startsWith('param.') ? [[name.slice('param.'.length), tensor] as const] : [],
      ),
    ),
    input: <T extends Tensor>(name: string) => find(loaded, `input.${name}`) as T,
    hasInput: (name) => loaded.has(`input.${name}`),
    numbers: (name) => {
      const { data } = find(used, name);
      if (data instanceof BigInt64Array) throw new TypeError(`Cannot compute with "${name}": it holds 64-bit integers`);
      return data;
    },
    wholeNumber: (name) => BigInt(find(used, name).data[0]!),
    shape: (name) => find(used, name).shape,
    names: [...used.keys()].filter((name) => !name.startsWith('cotangent')),
  };
}

async function differentiate(
  { tf }: Engine,
  {
    goldenCase,
    loaded,
    compute,
  }: {
    goldenCase: GoldenCase;
    loaded: ReadonlyMap<string, Tensor>;
    compute: () => Record<string, GoldenOutput> | Promise<Record<string, GoldenOutput>>;
  },
): Promise<Record<string, GoldenTensor>> {
  const { losses, terms } = goldenCase.scalar!;
  const variables = [...loaded].filter(
    ([name, { dtype }]) =>
      dtype === 'float32' && /^(param|input)\./.test(name) && !goldenCase.untrained_params.includes(name),
  );
  let outputs: Record<string, GoldenOutput> = {};
  const outputTensor = (name: string) => outputs[name.slice('output.'.length)] as Tensor;
  const sum = (): Scalar => {
    outputs = compute() as Record<string, GoldenOutput>;
    const parts = [
      ...losses.map((name) => tf.sum(outputTensor(name))),
      ...terms.map(([name, cotangent]) => tf.sum(tf.mul(outputTensor(name), loaded.get(cotangent)!))),
    ];
    for (const output of Object.values(outputs)) if (output instanceof tf.Tensor) tf.keep(output);
    return parts.reduce((total, part) => tf.add(total, part)) as Scalar;
  };
  const { value, grads } = tf.engine().gradients(
    sum,
    variables.map(([, tensor]) => tensor),
    undefined,
    true,
  );
  const results: Record<string, GoldenOutput> = { ...(await read(outputs)), scalar: value };
  variables.forEach(([name, tensor], index) => {
    // What the scalar does not depend on has the gradient zero.
    results[`grad.${name.replace(/^(param|input)\./, '')}`] = grads[index] ?? tf.zerosLike(tensor);
  });
  return read(results, '');
}

/** Outputs as plain numbers under their full names; tensors are disposed. */
async function read(outputs: Record<string, GoldenOutput>, prefix = 'output.'): Promise<Record<string, GoldenTensor>> {
  const results: Record<string, GoldenTensor> = {};
  for (const [name, output] of Object.entries(outputs)) results[`${prefix}${name}`] = await toGoldenTensor(output);
  return results;
}

async function toGoldenTensor(output: GoldenOutput): Promise<GoldenTensor> {
  if (typeof output === 'number') return { shape: [], data: Float32Array.of(output) };
  if (output instanceof Int32Array) return { shape: [output.length], data: output };
  if (ArrayBuffer.isView(output) || Array.isArray(output)) {
    return { shape: [output.length], data: Float32Array.from(output as ArrayLike<number>) };
  }
  if (!('dataId' in output)) return output as GoldenTensor;
  const data = (await output.data()).slice() as Float32Array | Int32Array;
  output.dispose();
  return { shape: output.shape, data };
}
