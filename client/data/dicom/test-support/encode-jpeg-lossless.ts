/** Lossless JPEG (ITU-T T.81 annex H) for tests: every predictor, restart markers, point transform; one fixed code table. */

export interface JpegLosslessOptions {
  readonly rows: number;
  readonly columns: number;
  readonly precision: number;
  /** 1 to 7. */
  readonly predictor?: number;
  /** Lines between restart markers; 0 for none. */
  readonly restartLines?: number;
  readonly pointTransform?: number;
}

/** 17 categories with codes of 3 to 9 bits; the all-ones code stays free, as T.81 C.2 demands. */
const CODE_LENGTHS = [3, 3, 3, 3, 4, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9];

function codes(): { code: number; length: number }[] {
  let code = 0;
  let before = CODE_LENGTHS[0]!;
  return CODE_LENGTHS.map((length, index) => {
    if (index > 0) code = (code + 1) << (length - before);
    before = length;
    return { code, length };
  });
}

function segment(marker: number, content: readonly number[]): number[] {
  const length = content.length + 2;
  return [0xff, marker, length >> 8, length & 0xff, ...content];
}

function predict(predictor: number, [a, b, c]: readonly [number, number, number]): number {
  const predictions = [a, b, c, a + b - c, a + ((b - c) >> 1), b + ((a - c) >> 1), (a + b) >> 1];
  return predictions[predictor - 1]!;
}

export function encodeJpegLossless(pixels: ArrayLike<number>, options: JpegLosslessOptions): Uint8Array {
  const { rows, columns, precision, predictor = 1, restartLines = 0, pointTransform = 0 } = options;
  const table = codes();
  const counts = Array.from({ length: 16 }, (_, index) => CODE_LENGTHS.filter((length) => length === index + 1).length);
  const bytes = [0xff, 0xd8, ...segment(0xc4, [0x00, ...counts, ...CODE_LENGTHS.keys()])];
  const size = [rows >> 8, rows & 0xff, columns >> 8, columns & 0xff];
  bytes.push(...segment(0xc3, [precision, ...size, 1, 1, 0x11, 0]));
  const interval = restartLines * columns;
  if (interval > 0) bytes.push(...segment(0xdd, [interval >> 8, interval & 0xff]));
  bytes.push(...segment(0xda, [1, 1, 0x00, predictor, 0, pointTransform]));

  let bits = '';
  const flush = () => {
    const whole = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
    for (let at = 0; at < whole.length; at += 8) {
      const byte = Number.parseInt(whole.slice(at, at + 8), 2);
      bytes.push(byte);
      if (byte === 0xff) bytes.push(0);
    }
    bits = '';
  };
  const value = (row: number, column: number) => (pixels[row * columns + column]! & 0xffff) >> pointTransform;
  let restarts = 0;
  for (let row = 0; row < rows; row += 1) {
    const restart = restartLines > 0 && row > 0 && row % restartLines === 0;
    if (restart) {
      flush();
      bytes.push(0xff, 0xd0 + (restarts % 8));
      restarts += 1;
    }
    const firstLine = row === 0 || restart;
    for (let column = 0; column < columns; column += 1) {
      let prediction = 1 << (precision - pointTransform - 1);
      if (column > 0 && firstLine) prediction = value(row, column - 1);
      else if (column === 0 && !firstLine) prediction = value(row - 1, 0);
      else if (column > 0) {
        prediction = predict(predictor, [value(row, column - 1), value(row - 1, column), value(row - 1, column - 1)]);
      }
      const wrapped = (value(row, column) - prediction) & 0xffff;
      const difference = wrapped > 0x8000 ? wrapped - 0x10000 : wrapped;
      const category = difference === 0 ? 0 : 32 - Math.clz32(Math.abs(difference));
      const { code, length } = table[category]!;
      bits += code.toString(2).padStart(length, '0');
      if (category > 0 && category < 16) {
        const extra = difference > 0 ? difference : difference + (1 << category) - 1;
        bits += extra.toString(2).padStart(category, '0');
      }
    }
  }
  flush();
  return Uint8Array.from([...bytes, 0xff, 0xd9]);
}
