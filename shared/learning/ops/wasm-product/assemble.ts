/**
 * An assembler for the little WebAssembly that this project writes itself (WebAssembly core specification 2.0, sections 5.4
 * and 5.5; relaxed SIMD for the fused multiply-add): functions of 32-bit integers over one imported memory.
 *
 * An expression is the bytes that leave its value on the stack; a statement leaves nothing there.
 */
export type Code = readonly number[];

export interface AssembledFunction {
  readonly name: string;
  /** How many parameters it has; they are the first locals. It returns nothing. */
  readonly parameters: number;
  /** How many locals of each type follow the parameters, integers first. */
  readonly integers: number;
  readonly vectors: number;
  readonly body: Code;
}

const integerType = 0x7f;
const vectorType = 0x7b;

/** A module that exports the functions and imports its memory as `host.memory`. */
export function assembleModule(functions: readonly AssembledFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [0x60, ...list(Array(parameters).fill([integerType])), ...list([])]);
  const memory = [...text('host'), ...text('memory'), 0x02, 0x00, ...unsigned(0)];
  const exported = functions.map(({ name }, index) => [...text(name), 0x00, ...unsigned(index)]);
  const bodies = functions.map(({ integers, vectors, body }) => {
    const locals = [
      [...unsigned(integers), integerType],
      [...unsigned(vectors), vectorType],
    ];
    const bytes = [...list(locals), ...body, 0x0b];
    return [...unsigned(bytes.length), ...bytes];
  });
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, list(types)),
    ...section(2, list([memory])),
    ...section(3, list(functions.map((_, index) => unsigned(index)))),
    ...section(7, list(exported)),
    ...section(10, list(bodies)),
  ]);
}

export const local = (index: number): Code => [0x20, ...unsigned(index)];
export const assign = (index: number, value: Code): Code => [...value, 0x21, ...unsigned(index)];
export const integer = (value: number): Code => [0x41, ...signed(value)];
export const add = (a: Code, b: Code): Code => [...a, ...b, 0x6a];
export const subtract = (a: Code, b: Code): Code => [...a, ...b, 0x6b];
/** Of signed integers. */
export const isGreater = (a: Code, b: Code): Code => [...a, ...b, 0x4a];

/** Runs the body, and again as long as the condition after it is not zero. */
export const repeatWhile = (condition: Code, body: Code): Code => [0x03, 0x40, ...body, ...condition, 0x0d, 0, 0x0b];
export const when = (condition: Code, then: Code, otherwise: Code = []): Code => [
  ...condition,
  ...[0x04, 0x40],
  ...then,
  ...(otherwise.length > 0 ? [0x05, ...otherwise] : []),
  0x0b,
];

/** One float32, as the bits of an integer. */
export const loadWord = (address: Code): Code => [...address, 0x28, 0, 0];
export const storeWord = (address: Code, offset: number, value: Code): Code => [
  ...address,
  ...value,
  ...[0x36, 0],
  ...unsigned(offset),
];

/** Four float32 side by side; addresses need no alignment. */
export const loadVector = (address: Code, offset: number): Code => [...address, ...simd(0x00), 0, ...unsigned(offset)];
/** One float32 four times. */
export const loadRepeated = (address: Code, offset: number): Code => [
  ...address,
  ...simd(0x09),
  0,
  ...unsigned(offset),
];
export const storeVector = (address: Code, offset: number, value: Code): Code => [
  ...address,
  ...value,
  ...simd(0x0b),
  0,
  ...unsigned(offset),
];
/** a b + c, rounded once where the processor can. */
export const multiplyAdd = (a: Code, b: Code, c: Code): Code => [...a, ...b, ...c, ...simd(0x105)];

/** The statements for 0, 1, ..., count - 1, one after another. */
export function unrolled(count: number, statement: (index: number) => Code): Code {
  return Array.from({ length: count }, (_, index) => statement(index)).flat();
}

const simd = (operation: number): Code => [0xfd, ...unsigned(operation)];
const section = (id: number, body: Code): Code => [id, ...unsigned(body.length), ...body];
const list = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
const text = (value: string): Code => [...unsigned(value.length), ...Buffer.from(value)];

/** LEB128: seven bits a byte, the lowest first. */
function unsigned(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
}

function signed(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = low & 0x40 ? rest === -1 : rest === 0;
    if (done) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}
