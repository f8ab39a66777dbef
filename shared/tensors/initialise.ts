/** Starting weights from a layout and a seed, without a tensor library: every machine computes the same bits. */
import { portableExp } from '../random/portable-exp.ts';
import { portableLog } from '../random/portable-log.ts';
import { createRandom, type SeededRandom } from '../random/seeded-random.ts';
import type { Initialiser, ParameterLayout } from './layout.ts';

/**
 * The flat vector that training starts from. Each tensor draws from its own generator, named after it, so that adding a
 * tensor changes no other.
 */
export function initialise(layout: ParameterLayout, seed: number | string): Float32Array {
  const values = new Float32Array(layout.size);
  const random = createRandom(seed).fork('weights');
  for (const { name, offset, size, initialiser } of layout.tensors) {
    fill(values.subarray(offset, offset + size), initialiser, random.fork(name));
  }
  return values;
}

/** The same, `length` numbers at a time (the last time fewer), for vectors that should not be in memory as a whole. */
export function* initialisePieces(
  layout: ParameterLayout,
  { seed, length }: { readonly seed: number | string; readonly length: number },
): Generator<Float32Array, void, undefined> {
  const random = createRandom(seed).fork('weights');
  let piece = new Float32Array(Math.min(length, layout.size));
  let filled = 0;
  for (const { name, offset, size, initialiser } of layout.tensors) {
    const own = random.fork(name);
    for (let done = 0; done < size; ) {
      const next = piece.subarray(filled, filled + size - done);
      fill(next, initialiser, own, { first: done });
      done += next.length;
      filled += next.length;
      if (filled < piece.length) continue;
      yield piece;
      piece = new Float32Array(Math.min(length, layout.size - offset - done));
      filled = 0;
    }
  }
}

/** @param options `first`: which of the tensor's numbers the target begins with; those before it were drawn already. */
function fill(target: Float32Array, initialiser: Initialiser, random: SeededRandom, options = { first: 0 }): void {
  switch (initialiser.kind) {
    case 'zeros':
      return;
    case 'ones':
      target.fill(1);
      return;
    case 'constant':
      target.fill(initialiser.value);
      return;
    case 'truncated-normal':
      for (let i = 0; i < target.length; i += 1) {
        let value = random.normal();
        while (value < -2 || value > 2) value = random.normal();
        target[i] = value * initialiser.standardDeviation;
      }
      return;
    case 'uniform':
      for (let i = 0; i < target.length; i += 1) target[i] = (2 * random.next() - 1) * initialiser.bound;
      return;
    case 'log-count':
      for (let i = 0; i < target.length; i += 1)
        target[i] = portableLog(1 + ((options.first + i) % initialiser.rowLength));
      return;
    case 'inverse-softplus': {
      const [low, high] = [portableLog(initialiser.lowest), portableLog(initialiser.highest)];
      for (let i = 0; i < target.length; i += 1) {
        const value = portableExp(low + random.next() * (high - low));
        target[i] = value + portableLog(1 - portableExp(-value));
      }
      return;
    }
    default:
      initialiser satisfies never;
  }
}
