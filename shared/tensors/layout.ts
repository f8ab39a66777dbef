/**
 * A parameter layout: the order, names, shapes and starting values of a model's tensors inside one flat float32 vector.
 *
 * A model travels and is averaged as that vector; the layout says what its numbers mean. Both sides derive the same
 * layout from the study plan, so shapes are never taken from the other side.
 */
import { hashOfJson, type Sha256Hex } from '../bytes/hash.ts';

/** How a tensor starts. Standard deviations and bounds are absolute. `truncated-normal` is cut at two standard deviations. */
export type Initialiser =
  | { readonly kind: 'zeros' }
  | { readonly kind: 'ones' }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'truncated-normal'; readonly standardDeviation: number }
  | { readonly kind: 'uniform'; readonly bound: number }
  /** Each row, of the last dimension's length, is ln 1, ln 2, ln 3 and so on: the decay rates of state spaces. */
  | { readonly kind: 'log-count'; readonly rowLength: number }
  /** Numbers whose softplus is log-uniform between the two: the step sizes of state spaces. */
  | { readonly kind: 'inverse-softplus'; readonly lowest: number; readonly highest: number };

export interface TensorSpec {
  /** The PyTorch `state_dict` key. */
  readonly name: string;
  /** PyTorch order: Linear [out, in], Conv2d [out, in / groups, height, width]. */
  readonly shape: readonly number[];
  readonly initialiser: Initialiser;
  /**
   * The part of the model this tensor belongs to. A site weighs each group of its update by the number of samples that
   * trained it, so that a site without expression data does not dilute the expression encoder.
   */
  readonly group: string;
}

export interface PlacedTensor extends TensorSpec {
  /** Index of the tensor's first number in the flat vector. */
  readonly offset: number;
  /** How many numbers it has. */
  readonly size: number;
}

export interface ParameterLayout {
  readonly tensors: readonly PlacedTensor[];
  /** The groups in order of first appearance. */
  readonly groups: readonly string[];
  /** How many numbers the flat vector has. */
  readonly size: number;
}

/**
 * Places the tensors one after another.
 *
 * @throws {RangeError} when a name appears twice or a dimension is not a positive whole number.
 */
export function createLayout(specs: readonly TensorSpec[]): ParameterLayout {
  const names = new Set<string>();
  const tensors: PlacedTensor[] = [];
  let offset = 0;
  for (const spec of specs) {
    if (names.has(spec.name)) throw new RangeError(`Cannot create the layout: two tensors are named "${spec.name}"`);
    names.add(spec.name);
    let size = 1;
    for (const dimension of spec.shape) {
      if (!Number.isInteger(dimension) || dimension < 1) {
        throw new RangeError(
          `Cannot create the layout: dimensions of "${spec.name}" must be whole numbers >= 1, found [${spec.shape.join(', ')}]`,
        );
      }
      size *= dimension;
    }
    tensors.push({ ...spec, offset, size });
    offset += size;
  }
  return { tensors, groups: [...new Set(specs.map((spec) => spec.group))], size: offset };
}

/** The hash of names, shapes, groups and order: equal hashes mean that two vectors can be added. */
export function layoutHash(layout: ParameterLayout): Sha256Hex {
  return hashOfJson(
    'layout/1',
    layout.tensors.map(({ name, shape, group }) => ({ name, shape, group })),
  );
}

/** A layout of the tensors that satisfy `keep`, placed anew. */
export function filterLayout(layout: ParameterLayout, keep: (tensor: PlacedTensor) => boolean): ParameterLayout {
  return createLayout(
    layout.tensors.filter(keep).map(({ name, shape, initialiser, group }) => ({ name, shape, initialiser, group })),
  );
}

/**
 * The numbers of one tensor, as a view of the flat vector.
 *
 * @throws {RangeError} when the layout has no tensor of that name.
 */
export function tensorView(layout: ParameterLayout, values: Float32Array, name: string): Float32Array {
  const tensor = layout.tensors.find((candidate) => candidate.name === name);
  if (tensor === undefined) throw new RangeError(`Cannot find the tensor "${name}" in the layout`);
  return values.subarray(tensor.offset, tensor.offset + tensor.size);
}
