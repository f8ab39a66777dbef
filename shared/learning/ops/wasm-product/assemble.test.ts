import { describe, expect, test } from 'vitest';
import {
  add,
  assembleModule,
  assign,
  integer,
  isGreater,
  local,
  repeatWhile,
  storeWord,
  subtract,
  when,
} from './assemble.ts';

/** Runs a function of one parameter that may write to the memory, and gives the memory's first words. */
function run(parameter: number, body: readonly number[]): Int32Array {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const module = new WebAssembly.Module(
    assembleModule([{ name: 'run', parameters: 1, integers: 2, vectors: 0, body }]),
  );
  const { run: start } = new WebAssembly.Instance(module, { host: { memory } }).exports as { run(value: number): void };
  start(parameter);
  return new Int32Array(memory.buffer).slice(0, 4);
}

describe('assembleModule()', () => {
  test.each([
    0, 1, 63, 64, 127, 128, 8191, 8192, -1, -64, -65, 2147483647, -2147483648,
  ])('writes the integer %i', (value) => {
    expect(run(0, storeWord(integer(0), 0, integer(value)))[0]).toBe(value);
  });

  test('repeats while a condition holds, and chooses', () => {
    const [count, sum] = [0, 1];
    const words = run(5, [
      ...repeatWhile(local(count), [
        ...assign(sum, add(local(sum), local(count))),
        ...assign(count, subtract(local(count), integer(1))),
      ]),
      ...storeWord(integer(0), 4, local(sum)),
      ...when(
        isGreater(local(sum), integer(15)),
        storeWord(integer(0), 8, integer(1)),
        storeWord(integer(0), 12, integer(2)),
      ),
    ]);
    expect([...words]).toEqual([0, 15, 0, 2]);
  });
});
