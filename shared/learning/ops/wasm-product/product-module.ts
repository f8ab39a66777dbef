/**
 * The matrix product in WebAssembly, after Goto and van de Geijn 2008 ("Anatomy of high-performance matrix multiplication",
 * ACM Transactions on Mathematical Software 34, 12): both sides are copied into narrow panels that are read from front to
 * end, and a tile of the result stays in registers while the common dimension passes.
 *
 * TensorFlow.js's own kernel rounds after each multiplication and addition, cannot read a side transposed and cannot read
 * part of a wider matrix; this one is up to twice as fast and needs no copies around it.
 */
import {
  add,
  assembleModule,
  assign,
  type Code,
  integer,
  isGreater,
  loadRepeated,
  loadVector,
  loadWord,
  local,
  multiplyAdd,
  repeatWhile,
  storeVector,
  storeWord,
  subtract,
  unrolled,
  when,
} from './assemble.ts';

/** A tile of the result: 12 vectors, and three more hold the factors: as many registers as x86-64 has to give. */
export const tileRows = 6;
export const tileColumns = 8;
/** The common dimension is filled up with zeros to a multiple of this. */
export const innerUnroll = 4;

const bytes = 4;
const vectorBytes = 16;
const vectors = tileColumns / 4;

export interface ProductModule {
  /**
   * Copies a matrix [rows, inner] into panels of `tileRows` rows, each [inner, tileRows] and filled up with zeros to whole
   * panels and `innerZeros` more of the common dimension. All strides are in bytes.
   */
  packRows(
    from: number,
    rowStride: number,
    innerStride: number,
    rows: number,
    inner: number,
    innerZeros: number,
    to: number,
  ): void;
  /** The same for the other side: its columns in panels of `tileColumns`. */
  packColumns(
    from: number,
    columnStride: number,
    innerStride: number,
    columns: number,
    inner: number,
    innerZeros: number,
    to: number,
  ): void;
  /**
   * The product of packed rows and one panel of packed columns, plus `bias` (tileColumns numbers) to each row: writes
   * [rows, tileColumns]. `innerQuarters` is the filled-up common dimension divided by `innerUnroll`.
   */
  multiply(
    rowPanels: number,
    columnPanel: number,
    bias: number,
    to: number,
    toStride: number,
    rows: number,
    innerQuarters: number,
  ): void;
}

/** Compiles the module over the memory that holds the matrices. */
export function instantiateProductModule(memory: WebAssembly.Memory): ProductModule {
  const module = new WebAssembly.Module(
    assembleModule([
      { name: 'packRows', parameters: 7, integers: 3, vectors: 0, body: pack(tileRows) },
      { name: 'packColumns', parameters: 7, integers: 3, vectors: 0, body: pack(tileColumns) },
      { name: 'multiply', parameters: 7, integers: 2, vectors: (tileRows + 1) * vectors + 1, body: multiply() },
    ]),
  );
  return new WebAssembly.Instance(module, { host: { memory } }).exports as unknown as ProductModule;
}

function pack(width: number): Code {
  const [from, stride, innerStride, count, inner, innerZeros, to] = [0, 1, 2, 3, 4, 5, 6] as const;
  const [column, source, left] = [7, 8, 9] as const;
  /** Goes along the common dimension once; `write` puts down one number of each line of the panel. */
  const alongInner = (write: Code): Code => [
    ...assign(column, local(from)),
    ...assign(left, local(inner)),
    ...repeatWhile(isGreater(local(left), integer(0)), [
      ...assign(source, local(column)),
      ...write,
      ...assign(to, add(local(to), integer(width * bytes))),
      ...assign(column, add(local(column), local(innerStride))),
      ...assign(left, subtract(local(left), integer(1))),
    ]),
  ];
  const put = (line: number): Code => [
    ...storeWord(local(to), line * bytes, loadWord(local(source))),
    ...assign(source, add(local(source), local(stride))),
  ];
  const vectorsOfPanel = Math.floor(width / 4);
  /** The same for lines that lie side by side. */
  const putRun: Code = [
    ...unrolled(vectorsOfPanel, (vector) =>
      storeVector(local(to), vector * vectorBytes, loadVector(local(source), vector * vectorBytes)),
    ),
    ...assign(source, add(local(source), integer(vectorsOfPanel * vectorBytes))),
    ...unrolled(width % 4, (rest) => [
      ...storeWord(local(to), vectorsOfPanel * vectorBytes + rest * bytes, loadWord(local(source))),
      ...assign(source, add(local(source), integer(bytes))),
    ]),
  ];
  const putZero = (line: number): Code => storeWord(local(to), line * bytes, integer(0));
  return repeatWhile(isGreater(local(count), integer(0)), [
    ...when(
      isGreater(local(count), integer(width - 1)),
      when(isGreater(local(stride), integer(bytes)), alongInner(unrolled(width, put)), alongInner(putRun)),
      alongInner(unrolled(width, (line) => when(isGreater(local(count), integer(line)), put(line), putZero(line)))),
    ),
    ...assign(left, local(innerZeros)),
    ...when(
      local(left),
      repeatWhile(local(left), [
        ...unrolled(width, putZero),
        ...assign(to, add(local(to), integer(width * bytes))),
        ...assign(left, subtract(local(left), integer(1))),
      ]),
    ),
    ...unrolled(width, () => assign(from, add(local(from), local(stride)))),
    ...assign(count, subtract(local(count), integer(width))),
  ]);
}

function multiply(): Code {
  const [rowPanels, columnPanel, bias, to, toStride, rows, innerQuarters] = [0, 1, 2, 3, 4, 5, 6] as const;
  const [panel, left] = [7, 8] as const;
  const firstVector = 9;
  const sum = (row: number, vector: number) => firstVector + row * vectors + vector;
  const factor = (vector: number) => sum(tileRows, vector);
  const rowFactor = factor(vectors);

  const step = (inner: number): Code => [
    ...unrolled(vectors, (vector) => {
      const offset = inner * tileColumns * bytes + vector * vectorBytes;
      return assign(factor(vector), loadVector(local(panel), offset));
    }),
    ...unrolled(tileRows, (row) => [
      ...assign(rowFactor, loadRepeated(local(rowPanels), (inner * tileRows + row) * bytes)),
      ...unrolled(vectors, (vector) =>
        assign(sum(row, vector), multiplyAdd(local(rowFactor), local(factor(vector)), local(sum(row, vector)))),
      ),
    ]),
  ];
  return repeatWhile(isGreater(local(rows), integer(0)), [
    ...unrolled(tileRows, (row) =>
      unrolled(vectors, (vector) => assign(sum(row, vector), loadVector(local(bias), vector * vectorBytes))),
    ),
    ...assign(panel, local(columnPanel)),
    ...assign(left, local(innerQuarters)),
    ...repeatWhile(local(left), [
      ...unrolled(innerUnroll, step),
      ...assign(rowPanels, add(local(rowPanels), integer(innerUnroll * tileRows * bytes))),
      ...assign(panel, add(local(panel), integer(innerUnroll * tileColumns * bytes))),
      ...assign(left, subtract(local(left), integer(1))),
    ]),
    ...unrolled(tileRows, (row) =>
      when(isGreater(local(rows), integer(row)), [
        ...unrolled(vectors, (vector) => storeVector(local(to), vector * vectorBytes, local(sum(row, vector)))),
        ...assign(to, add(local(to), local(toStride))),
      ]),
    ),
    ...assign(rows, subtract(local(rows), integer(tileRows))),
  ]);
}
