/**
 * Lossless JPEG (ITU-T T.81 annex H, process 14, all seven predictors), one component. Written here because the JavaScript
 * decoder on npm takes three times as long, loses the last pixel of some images and takes cut-off data for grey.
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

/** T.81 table H.1: left, above, above left. */
function predict(predictor: number, { a, b, c }: { a: number; b: number; c: number }): number {
  switch (predictor) {
    case 1:
      return a;
    case 2:
      return b;
    case 3:
      return c;
    case 4:
      return a + b - c;
    case 5:
      return a + ((b - c) >> 1);
    case 6:
      return b + ((a - c) >> 1);
    default:
      return (a + b) >> 1;
  }
}

/**
 * The differences of a whole scan in order. Bits are taken from a window of at most 32; behind the end of the data the
 * window is filled with zeros and the surplus is counted, so that a cut file is an error and not a grey picture.
 */
function createDifferenceReader(bytes: Uint8Array, { table, start }: Pick<Scan, 'table' | 'start'>) {
  let at = start;
  let bits = 0;
  let available = 0;
  let surplus = 0;

  const fill = () => {
    while (available <= 16) {
      let byte = 0;
      if (at >= bytes.length) surplus += 8;
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
  };

  const difference = (): number => {
    fill();
    const entry = table[(bits >>> (available - 16)) & 0xffff]!;
    if (entry === 0) throw damaged();
    available -= entry >> 8;
    const category = entry & 0xff;
    if (category === 0) return 0;
    if (category === 16) return 32_768;
    fill();
    available -= category;
    const value = (bits >>> available) & ((1 << category) - 1);
    return value < 1 << (category - 1) ? value - (1 << category) + 1 : value;
  };

  /** Checks that the interval did not run past its data and steps over a restart marker. */
  const endInterval = ({ restart }: { restart: boolean }) => {
    if (surplus > available) throw damaged();
    if (!restart) return;
    while (at + 1 < bytes.length && !(bytes[at] === 0xff && bytes[at + 1]! >= 0xd0 && bytes[at + 1]! <= 0xd7)) at += 1;
    if (at + 1 >= bytes.length) throw damaged();
    at += 2;
    bits = 0;
    available = 0;
    surplus = 0;
  };

  return { difference, endInterval };
}

/** @throws {UnusableError} when the data is not one lossless scan of one component of this size. */
export function decodeJpegLossless(bytes: Uint8Array, shape: FrameShape): Samples {
  const { rows, columns } = shape;
  const scan = readScan(bytes, columns);
  const { predictor, pointTransform, precision, restartLines } = scan;
  const { difference, endInterval } = createDifferenceReader(bytes, scan);
  const middle = 1 << (precision - pointTransform - 1);
  const samples = createSamples(shape);
  for (let row = 0; row < rows; row += 1) {
    const restart = row > 0 && restartLines > 0 && row % restartLines === 0;
    if (restart) endInterval({ restart });
    // The first line of a scan or interval is predicted from the left only (H.1.2.1).
    const firstLine = row === 0 || restart;
    const line = row * columns;
    const above = line - columns;
    let left = ((firstLine ? middle : samples[above]!) + difference()) & 0xffff;
    samples[line] = left;
    for (let column = 1; column < columns; column += 1) {
      const prediction =
        firstLine || predictor === 1
          ? left
          : predict(predictor, { a: left, b: samples[above + column]!, c: samples[above + column - 1]! });
      left = (prediction + difference()) & 0xffff;
      samples[line + column] = left;
    }
  }
  endInterval({ restart: false });
  if (pointTransform > 0) for (let pixel = 0; pixel < samples.length; pixel += 1) samples[pixel]! <<= pointTransform;
  return samples;
}
