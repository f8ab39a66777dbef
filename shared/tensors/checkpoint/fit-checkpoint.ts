/**
 * A published checkpoint as the flat vector of a parameter layout, so that public weights can start a study. Errors name
 * tensors, never files.
 */
import type { ParameterLayout, PlacedTensor } from '../layout.ts';
import { type PatchGrid, resamplePositions } from '../positions/resample-positions.ts';
import { adaptInputChannels } from './adapt-input-channels.ts';
import { listNames, matchesAny, wrapperPrefix } from './checkpoint-names.ts';

/** Where tensors come from: an opened safetensors file, for example. One is read at a time. */
export interface CheckpointSource {
  readonly entries: readonly { readonly name: string; readonly shape: readonly number[] }[];
  read(name: string): Promise<Float32Array>;
}

export interface FitOptions {
  /**
   * Names of the layout that the checkpoint may lack; a `*` at the end stands for anything. They keep the numbers of
   * `start`.
   */
  readonly mayMiss?: readonly string[];
  /** Names of the checkpoint that are left out, with or without a wrapper's prefix; a `*` at the end stands for anything. */
  readonly ignore?: readonly string[];
  /** A vector of the layout for what the checkpoint lacks; needed with `mayMiss`. */
  readonly start?: Float32Array;
  /**
   * The patches of the model's images, for resampling positions; as many rows as columns unless given. A table of as many
   * patches is taken as it is.
   */
  readonly grid?: PatchGrid;
}

export interface Adaptation {
  readonly name: string;
  readonly what: 'input channels' | 'positions';
  readonly from: readonly number[];
  readonly to: readonly number[];
}

export interface FittedCheckpoint {
  /** The layout's numbers. */
  readonly values: Float32Array;
  /** What was taken off the names of the checkpoint. */
  readonly prefix: string;
  readonly adapted: readonly Adaptation[];
  /** Names of the layout that kept the numbers of `start`. */
  readonly missing: readonly string[];
  /** Names of the checkpoint that were left out. */
  readonly ignored: readonly string[];
}

/** The first convolutions of timm's vision transformers and MambaOut, of ConvStem, VMamba and ResNet. */
const inputConvolution = /^(patch_embed\.proj(\.0)?|patch_embed\.0|stem\.conv1|conv1)\.weight$/;
const positionTable = /^(decoder_)?pos_embed$/;

/**
 * Fits a checkpoint to a layout by name. Convolutions that take the image are adapted from three channels to the layout's,
 * position tables are resampled to its grid; every other tensor must have the layout's shape.
 *
 * @throws {RangeError} when tensors are missing or left over, or numbers are not finite.
 * @throws {TypeError} when a tensor has another shape that cannot be adapted.
 */
export async function fitCheckpoint(
  source: CheckpointSource,
  layout: ParameterLayout,
  { mayMiss = [], ignore = [], start, grid }: FitOptions = {},
): Promise<FittedCheckpoint> {
  if (start !== undefined && start.length !== layout.size) {
    throw new TypeError(
      `Cannot load the checkpoint: the start must have the layout's ${layout.size} numbers, found ${start.length}`,
    );
  }
  const { prefix, found, ignored } = nameTensors(source, layout, ignore);
  const missing = layout.tensors.map(({ name }) => name).filter((name) => !found.has(name));
  const needed = missing.filter((name) => start === undefined || !matchesAny(name, mayMiss));
  if (needed.length > 0) {
    throw new RangeError(
      `Cannot load the checkpoint: ${needed.length} of the model's ${layout.tensors.length} tensors are missing: ${listNames(needed)}`,
    );
  }
  const values = start?.slice() ?? new Float32Array(layout.size);
  const adapted: Adaptation[] = [];
  for (const tensor of layout.tensors) {
    const entry = found.get(tensor.name);
    if (entry === undefined) continue;
    const read = await source.read(entry.name);
    const { numbers, what } = adapt(read, { shape: entry.shape, tensor, grid });
    if (!numbers.every(Number.isFinite)) {
      throw new RangeError(`Cannot load the tensor "${tensor.name}": it holds numbers that are not finite`);
    }
    values.set(numbers, tensor.offset);
    if (what !== null) adapted.push({ name: tensor.name, what, from: entry.shape, to: tensor.shape });
  }
  return { values, prefix, adapted, missing, ignored };
}

type Entry = CheckpointSource['entries'][number];

function nameTensors(
  { entries }: CheckpointSource,
  layout: ParameterLayout,
  ignore: readonly string[],
): { prefix: string; found: ReadonlyMap<string, Entry>; ignored: string[] } {
  const used = entries.filter(({ name }) => !matchesAny(name, ignore));
  const own = layout.tensors.map(({ name }) => name);
  const prefix = wrapperPrefix(
    used.map(({ name }) => name),
    { own },
  );
  const bare = ({ name }: Entry) => name.slice(prefix.length);
  const kept = used.filter((entry) => !matchesAny(bare(entry), ignore));
  const wanted = new Set(own);
  const surplus = kept.map(bare).filter((name) => !wanted.has(name));
  if (surplus.length > 0) {
    throw new RangeError(
      `Cannot load the checkpoint: it has ${surplus.length} tensors that the model does not have: ${listNames(surplus)}`,
    );
  }
  const keptNames = new Set(kept.map(({ name }) => name));
  return {
    prefix,
    found: new Map(kept.map((entry) => [bare(entry), entry])),
    ignored: entries.map(({ name }) => name).filter((name) => !keptNames.has(name)),
  };
}

function adapt(
  numbers: Float32Array,
  { shape, tensor, grid }: { shape: readonly number[]; tensor: PlacedTensor; grid: PatchGrid | undefined },
): { numbers: Float32Array; what: Adaptation['what'] | null } {
  const { name, shape: wanted } = tensor;
  const differing = wanted.flatMap((size, axis) => (shape[axis] === size ? [] : [axis]));
  if (shape.length === wanted.length && differing.length === 0) return { numbers, what: null };
  const onlyAxisOne = shape.length === wanted.length && differing.length === 1 && differing[0] === 1;
  if (onlyAxisOne && shape[1] === 3 && inputConvolution.test(name)) {
    return { numbers: adaptInputChannels(numbers, { shape, channels: wanted[1]! }), what: 'input channels' };
  }
  if (onlyAxisOne && shape.length === 3 && shape[0] === 1 && positionTable.test(name)) {
    const from = squareGrid(name, shape[1]! - 1);
    const to = grid ?? squareGrid(name, wanted[1]! - 1);
    if (1 + to.rows * to.columns === wanted[1]) {
      return { numbers: resamplePositions(numbers, { width: wanted[2]!, from, to }), what: 'positions' };
    }
  }
  throw new TypeError(
    `Cannot load the tensor "${name}": the model needs the shape [${wanted.join(', ')}], found [${shape.join(', ')}]`,
  );
}

function squareGrid(name: string, patches: number): PatchGrid {
  const side = Math.sqrt(patches);
  if (!Number.isInteger(side)) {
    throw new TypeError(
      `Cannot load the tensor "${name}": positions of a square grid are needed to resample them, found ${patches} patches`,
    );
  }
  return { rows: side, columns: side };
}
