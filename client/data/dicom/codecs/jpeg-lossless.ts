/**
 * Lossless JPEG (ITU-T T.81 annex H, process 14, all seven predictors), one component. Written here because the JavaScript
 * decoder on npm takes four times as long, loses the last pixel of some images and takes cut-off data for grey.
 */
import { UnusableError } from '../../quarantine/unusable-error.ts';
import { createSamples, type FrameShape, type Samples } from './samples.ts';

/** For every next 16 bits: length of the code times 256 plus its category; 0 where no code matches. */
type CodeTable = Uint16Array;

interface Scan {
  readonly table: CodeTable;
  readonly predictor: number;
  readonly pointTransform: number;
  readonly precision: number;
  /** Lines between restart markers; 0 for none. */
  readonly restartLines: number;
  /** Where the entropy-coded data begins. */
  readonly start: number;
}

function damaged(): UnusableError {
  return new UnusableError('pixel-data-damaged');
}

/** A DHT segment may define several tables; returns the end of this one. T.81 C.2 gives codes in order of length. */
function readTable(bytes: Uint8Array, { at, end }: { at: number; end: number }): { table: CodeTable; next: number } {
  const table: CodeTable = new Uint16Array(65_536);
  const counts = bytes.subarray(at, at + 16);
  let value = at + 16;
  let code = 0;
  for (let length = 1; length <= 16; length += 1) {
    for (let index = 0; index < counts[length - 1]!; index += 1) {
      if (value >= end) throw damaged();
      const category = bytes[value]!;
      const first = code << (16 - length);
      const last = first + (1 << (16 - length));
      if (category > 16 || last > 65_536) throw damaged();
      table.fill(length * 256 + category, first, last);
      code += 1;
      value += 1;
    }
    code <<= 1;
  }
  return { table, next: value };
}

/** Reads the segments up to the scan. */
function readScan(bytes: Uint8Array, columns: number): Scan {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const tables = new Map<number, CodeTable>();
  let restartInterval = 0;
  let precision = 0;
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) throw damaged();
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const end = at + 2 + view.getUint16(at + 2);
    if (end > bytes.length) throw damaged();
    if (marker === 0xc4) {
      let next = at + 4;
      while (next + 17 <= end) {
        const destination = bytes[next]!;
        const read = readTable(bytes, { at: next + 1, end });
        tables.set(destination, read.table);
        next = read.next;
      }
    } else if (marker === 0xc3) {
      precision = bytes[at + 4]!;
    } else if (marker === 0xdd) {
      restartInterval = view.getUint16(at + 4);
    } else if (marker === 0xda) {
      const table = tables.get(bytes[at + 6]! >> 4);
      const predictor = bytes[at + 7]!;
      const pointTransform = bytes[at + 9]! & 0x0f;
      if (bytes[at + 4] !== 1 || table === undefined || precision < 2 || precision > 16) throw damaged();
      if (predictor < 1 || predictor > 7 || pointTransform >= precision || restartInterval % columns !== 0)
        throw damaged();
      return { table, predictor, pointTransform, precision, restartLines: restartInterval / columns, start: end };
    }
    at = end;
  }
  throw damaged();
}

/** What is left of the entropy-coded data. Bits are taken from a window of at most 24. */
interface BitReader {
  readonly bytes: Uint8Array;
  readonly table: CodeTable;
  /** The table's entries for every next 10 bits, small enough for the fastest cache; 0 for longer codes. */
  readonly shortTable: Uint16Array;
  at: number;
  bits: number;
  available: number;
  /** Zero bits filled in behind the end of the data: a cut file must be an error and not a grey picture. */
  surplus: number;
}

const SHORT_BITS = 10;

function createBitReader(bytes: Uint8Array, { table, start }: Pick<Scan, 'table' | 'start'>): BitReader {
  const shortTable = new Uint16Array(2 ** SHORT_BITS);
  for (let index = 0; index < shortTable.length; index += 1) {
    const entry = table[index << (16 - SHORT_BITS)]!;
    if (entry >> 8 <= SHORT_BITS) shortTable[index] = entry;
  }
  return { bytes, table, shortTable, at: start, bits: 0, available: 0, surplus: 0 };
}

/**
 * Reads the differences of one line. The reader's state is kept in local variables meanwhile, and a pixel whose code and
 * value fit the window fills it only once, because this loop is where decoding spends its time.
 */
function readDifferences(reader: BitReader, differences: Int32Array): void {
  const { bytes, table, shortTable } = reader;
  const end = bytes.length;
  let { at, bits, available, surplus } = reader;
  for (let index = 0; index < differences.length; index += 1) {
    // First for the code, and once more when a long value needs it.
    let category = -1;
    for (;;) {
      while (available <= 16) {
        let byte = 0;
        if (at >= end) surplus += 8;
        else if (bytes[at] !== 0xff) {
          byte = bytes[at]!;
          at += 1;
        } else if (bytes[at + 1] === 0) {
          byte = 0xff;
          at += 2;
        } else surplus += 8; // A marker: the data of this interval ends here.
        bits = (bits << 8) | byte;
        available += 8;
      }
      if (category >= 0) break;
      let entry = shortTable[(bits >>> (available - SHORT_BITS)) & (2 ** SHORT_BITS - 1)]!;
      if (entry === 0) entry = table[(bits >>> (available - 16)) & 0xffff]!;
      if (entry === 0) throw damaged();
      available -= entry >> 8;
      category = entry & 0xff;
      if (category <= available) break;
    }
    if (category === 0) differences[index] = 0;
    else if (category === 16) differences[index] = 32_768;
    else {
      available -= category;
      const value = (bits >>> available) & ((1 << category) - 1);
      differences[index] = value < 1 << (category - 1) ? value - (1 << category) + 1 : value;
    }
  }
  reader.at = at;
  reader.bits = bits;
  reader.available = available;
  reader.surplus = surplus;
}

/** Checks that an interval did not run past its data. */
function checkEnd({ surplus, available }: BitReader): void {
  if (surplus > available) throw damaged();
}

/** Steps over the restart marker that ends an interval. */
function restart(reader: BitReader): void {
  const { bytes } = reader;
  const isMarker = (at: number) => bytes[at] === 0xff && bytes[at + 1]! >= 0xd0 && bytes[at + 1]! <= 0xd7;
  while (reader.at + 1 < bytes.length && !isMarker(reader.at)) reader.at += 1;
  if (reader.at + 1 >= bytes.length) throw damaged();
  reader.at += 2;
  reader.bits = 0;
  reader.available = 0;
  reader.surplus = 0;
}

/** Adds the predictions of T.81 table H.1 (a is left, b above, c above left) to one line's differences; arithmetic is modulo 2^16. */
function addPredictions(samples: Samples, { start, columns, predictor, differences }: LineToPredict): void {
  const above = start - columns;
  let a = samples[start]!;
  for (let column = 1; column < columns; column += 1) {
    const difference = differences[column]!;
    if (predictor === 1) {
      a = (a + difference) & 0xffff;
    } else {
      const b = samples[above + column]!;
      const c = samples[above + column - 1]!;
      if (predictor === 2) a = b + difference;
      else if (predictor === 3) a = c + difference;
      else if (predictor === 4) a = a + b - c + difference;
      else if (predictor === 5) a = a + ((b - c) >> 1) + difference;
      else if (predictor === 6) a = b + ((a - c) >> 1) + difference;
      else a = ((a + b) >> 1) + difference;
      a &= 0xffff;
    }
    samples[start + column] = a;
  }
}

interface LineToPredict {
  /** Where the line begins in the samples; its first pixel is there already. */
  readonly start: number;
  readonly columns: number;
  readonly predictor: number;
  readonly differences: Int32Array;
}

/** @throws {UnusableError} when the data is not one lossless scan of one component of this size. */
export function decodeJpegLossless(bytes: Uint8Array, shape: FrameShape): Samples {
  const { rows, columns } = shape;
  const scan = readScan(bytes, columns);
  const { predictor, pointTransform, precision, restartLines } = scan;
  const reader = createBitReader(bytes, scan);
  const middle = 1 << (precision - pointTransform - 1);
  const samples = createSamples(shape);
  const differences = new Int32Array(columns);
  for (let row = 0; row < rows; row += 1) {
    const restarts = row > 0 && restartLines > 0 && row % restartLines === 0;
    if (restarts) {
      checkEnd(reader);
      restart(reader);
    }
    readDifferences(reader, differences);
    // The first line of a scan or interval is predicted from the left only (H.1.2.1).
    const first = row === 0 || restarts;
    const start = row * columns;
    samples[start] = ((first ? middle : samples[start - columns]!) + differences[0]!) & 0xffff;
    addPredictions(samples, { start, columns, predictor: first ? 1 : predictor, differences });
  }
  checkEnd(reader);
  if (pointTransform > 0) for (let pixel = 0; pixel < samples.length; pixel += 1) samples[pixel]! <<= pointTransform;
  return samples;
}
