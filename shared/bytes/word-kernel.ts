/**
 * Adds words to words, or takes them away, and finds the largest, 16 bytes at a time: WebAssembly has the processor's vector
 * instructions, which JavaScript has not. Both widths wrap around, as sums modulo 2^16 and 2^32 do.
 *
 * The module is assembled here, from its instructions. In text it is, for words of 32 bits:
 *
 *     (memory (export "memory") 2)
 *     (func (export "add32") (param $end i32) (local $at i32)
 *       (loop $next
 *         ;; four times, with offsets of 0, 16, 32 and 48 more
 *         (v128.store (local.get $at)
 *           (i32x4.add (v128.load (local.get $at)) (v128.load offset=65536 (local.get $at))))
 *         (br_if $next (i32.lt_u
 *           (local.tee $at (i32.add (local.get $at) (i32.const 64)))
 *           (local.get $end)))))
 *
 * and `sub32`, `add16` and `sub16` are the same with `i32x4.sub`, `i16x8.add` and `i16x8.sub`. In `largest32` and `largest16`
 * the second vector passes through `i32x4.abs` or `i16x8.abs`, and `i32x4.max_u` or `i16x8.max_u` takes the place of the sum.
 */
import { requireLittleEndianHost } from './little-endian.ts';

/** What fits into each half of the memory: both stay in the processor's second-level cache. */
export const KERNEL_BYTES = 1 << 16;

/** Each function works on so many bytes, rounded up to 64: it adds to those of `into` those of `terms`, or takes them away. */
export interface WordKernel {
  readonly into: Uint8Array;
  readonly terms: Uint8Array;
  add32(bytes: number): void;
  sub32(bytes: number): void;
  add16(bytes: number): void;
  sub16(bytes: number): void;
  /** Keeps, of each word of `into` and the absolute value of the one in `terms`, the larger as an unsigned number. */
  largest32(bytes: number): void;
  largest16(bytes: number): void;
}

/** What each function does to 16 bytes of both. */
const OPERATIONS = {
  add32: [0xfd, 0xae, 0x01],
  sub32: [0xfd, 0xb1, 0x01],
  add16: [0xfd, 0x8e, 0x01],
  sub16: [0xfd, 0x91, 0x01],
  largest32: [0xfd, 0xa0, 0x01, 0xfd, 0xb9, 0x01],
  largest16: [0xfd, 0x80, 0x01, 0xfd, 0x99, 0x01],
} as const;
const INSTRUCTION_BYTES = 16;
const STEPS = 4;
const [END, AT] = [0, 1];
const [I32, NOTHING] = [0x7f, 0x40];

const getLocal = (local: number) => [0x20, local];
const teeLocal = (local: number) => [0x22, local];
/** The numbers beside the opcode: aligned to 2^4 bytes, and the offset. */
const loadVector = (offset: number) => [0xfd, 0x00, 4, ...unsigned(offset)];
const storeVector = (offset: number) => [0xfd, 0x0b, 4, ...unsigned(offset)];
const constant = (value: number) => [0x41, ...signed(value)];
const ADD = 0x6a;
const LESS = 0x49;
const END_OF_BLOCK = 0x0b;
const loop = (body: readonly number[]) => [0x03, NOTHING, ...body, END_OF_BLOCK];
/** To the beginning of the innermost loop. */
const AGAIN_IF = [0x0d, 0];

let kernel: WordKernel | null = null;

/** The thread's own, made when it is first needed. Whoever uses it leaves zeros behind. */
export function wordKernel(): WordKernel {
  kernel ??= createWordKernel();
  return kernel;
}

function createWordKernel(): WordKernel {
  requireLittleEndianHost();
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assembled()), {});
  const { memory, ...functions } = exports as unknown as Omit<WordKernel, 'into' | 'terms'> & {
    readonly memory: WebAssembly.Memory;
  };
  const half = (index: number) => new Uint8Array(memory.buffer, index * KERNEL_BYTES, KERNEL_BYTES);
  return { ...functions, into: half(0), terms: half(1) };
}

function assembled(): Uint8Array<ArrayBuffer> {
  const names = Object.keys(OPERATIONS);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    // One type: from one whole number to nothing.
    ...section(1, list([[0x60, ...list([[I32]]), ...list([])]])),
    ...section(3, list(names.map(() => [0]))),
    ...section(5, list([[0, ...unsigned((2 * KERNEL_BYTES) / (1 << 16))]])),
    ...section(7, list([[...text('memory'), 2, 0], ...names.map((name, index) => [...text(name), 0, index])])),
    ...section(10, list(Object.values(OPERATIONS).map((operation) => withLength(functionOf(operation))))),
  ]);
}

function functionOf(operation: readonly number[]): number[] {
  const oneLocal = list([[1, I32]]);
  const steps = Array.from({ length: STEPS }, (_, step) => step * INSTRUCTION_BYTES).flatMap((offset) => [
    ...getLocal(AT),
    ...getLocal(AT),
    ...loadVector(offset),
    ...getLocal(AT),
    ...loadVector(KERNEL_BYTES + offset),
    ...operation,
    ...storeVector(offset),
  ]);
  const next = [...getLocal(AT), ...constant(STEPS * INSTRUCTION_BYTES), ADD, ...teeLocal(AT)];
  return [...oneLocal, ...loop([...steps, ...next, ...getLocal(END), LESS, ...AGAIN_IF]), END_OF_BLOCK];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...withLength(content)];
}

function withLength(content: readonly number[]): number[] {
  return [...unsigned(content.length), ...content];
}

function list(entries: readonly (readonly number[])[]): number[] {
  return [...unsigned(entries.length), ...entries.flat()];
}

function text(name: string): number[] {
  return withLength([...Buffer.from(name)]);
}

/** LEB128: seven bits a byte, the lowest first; the eighth says that more follow. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** The same for numbers that have a sign, which is bit 6 of the last byte. */
function signed(value: number): number[] {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}
