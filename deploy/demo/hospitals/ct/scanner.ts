/** What a scanner makes of a slice: its sharpness, its noise, its table and the numbers it stores. */
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import type { SliceCanvas } from '../chest/slice-canvas.ts';
import { paintCapsule } from '../chest/slice-canvas.ts';

export interface Scanner {
  manufacturer: string;
  model: string;
  kernelName: string;
  /** Share of a pixel's value taken by each of its neighbours in a row or column: above 0 soft, below 0 sharp. */
  kernelSpread: number;
  /** Standard deviation at the reference dose, Hounsfield units. */
  noiseHounsfield: number;
  /** How far this scanner's numbers lie beside the true ones. */
  offsetHounsfield: number;
  sliceThicknessMillimetres: number;
  sliceSpacingMillimetres: number;
  fieldOfViewMillimetres: { smallest: number; largest: number };
  contrastShare: number;
  table: 'flat' | 'curved' | 'outside-the-picture';
  headFirst: boolean;
  storage: PixelStorage;
}

export interface PixelStorage {
  bitsStored: 12 | 16;
  signed: boolean;
  rescaleIntercept: number;
  /** Stored outside the circle that was reconstructed; null when the whole square was. */
  paddingValue: number | null;
}

const NOISE_SIZE = 256;

/** A square of noise whose neighbours are related as the scanner's kernel makes them, of unit variance; its edges meet. */
export function drawNoise(random: SeededRandom, kernelSpread: number): Float32Array {
  const white = Float32Array.from({ length: NOISE_SIZE * NOISE_SIZE }, () => random.normal());
  const noise = blur(white, { sizePixels: NOISE_SIZE, spread: kernelSpread });
  let squares = 0;
  for (const value of noise) squares += value * value;
  const scale = 1 / Math.sqrt(squares / noise.length);
  return noise.map((value) => value * scale);
}

/**
 * Scans what is painted on the canvas.
 *
 * @param options.doseFactor the patient's noise relative to the scanner's.
 * @returns [size, size] stored values; `storage` says how to read them.
 */
export function scanSlice(
  canvas: SliceCanvas,
  random: SeededRandom,
  options: { scanner: Scanner; noise: Float32Array; doseFactor: number; bodyHalfDepth: number },
): Int32Array {
  const { scanner, noise, doseFactor, bodyHalfDepth } = options;
  const { sizePixels } = canvas;
  paintTable(canvas, { table: scanner.table, bodyHalfDepth });
  const seen = blur(canvas.hounsfield, { sizePixels, spread: scanner.kernelSpread });
  const fromRow = random.int(NOISE_SIZE);
  const fromColumn = random.int(NOISE_SIZE);
  const amplitude = scanner.noiseHounsfield * doseFactor;
  const { bitsStored, signed, rescaleIntercept, paddingValue } = scanner.storage;
  const lowest = signed ? -(2 ** (bitsStored - 1)) : 0;
  const highest = signed ? 2 ** (bitsStored - 1) - 1 : 2 ** bitsStored - 1;
  const stored = new Int32Array(seen.length);
  const middle = (sizePixels - 1) / 2;
  for (let row = 0, index = 0; row < sizePixels; row += 1) {
    const noiseRow = ((fromRow + row) % NOISE_SIZE) * NOISE_SIZE;
    const circle = sizePixels * sizePixels * 0.25 - (row - middle) * (row - middle);
    for (let column = 0; column < sizePixels; column += 1, index += 1) {
      if (paddingValue !== null && (column - middle) * (column - middle) > circle) {
        stored[index] = paddingValue;
        continue;
      }
      const hounsfield =
        seen[index]! + scanner.offsetHounsfield + amplitude * noise[noiseRow + ((fromColumn + column) % NOISE_SIZE)]!;
      // Reconstructions are floored at or a little below air.
      const value = Math.round(Math.max(-1024, hounsfield)) - rescaleIntercept;
      stored[index] = Math.min(highest, Math.max(lowest, value));
    }
  }
  return stored;
}

/** Three-point weighting along rows and columns; the edges meet. */
function blur(values: Float32Array, { sizePixels, spread }: { sizePixels: number; spread: number }): Float32Array {
  const rows = new Float32Array(values.length);
  const both = new Float32Array(values.length);
  const centre = 1 - 2 * spread;
  for (let row = 0, index = 0; row < sizePixels; row += 1) {
    const start = row * sizePixels;
    for (let column = 0; column < sizePixels; column += 1, index += 1) {
      const before = values[start + ((column + sizePixels - 1) % sizePixels)]!;
      const after = values[start + ((column + 1) % sizePixels)]!;
      rows[index] = centre * values[index]! + spread * (before + after);
    }
  }
  for (let row = 0, index = 0; row < sizePixels; row += 1) {
    const above = ((row + sizePixels - 1) % sizePixels) * sizePixels;
    const below = ((row + 1) % sizePixels) * sizePixels;
    for (let column = 0; column < sizePixels; column += 1, index += 1) {
      both[index] = centre * rows[index]! + spread * (rows[above + column]! + rows[below + column]!);
    }
  }
  return both;
}

/** The table does not turn with the patient: its ends are placed in the picture's own axes. */
function paintTable(
  canvas: SliceCanvas,
  { table, bodyHalfDepth }: { table: Scanner['table']; bodyHalfDepth: number },
): void {
  if (table === 'outside-the-picture') return;
  const { columnsMillimetres, rowsMillimetres, turn } = canvas.frame;
  const top = bodyHalfDepth + 6 + rowsMillimetres;
  const inPatientAxes = (x: number, y: number) => {
    const left = x - columnsMillimetres;
    const back = y - rowsMillimetres;
    return { left: left * turn.cosine + back * turn.sine, back: back * turn.cosine - left * turn.sine };
  };
  const sag = table === 'curved' ? 14 : 0;
  const places = [-1, -0.6, -0.2, 0.2, 0.6, 1].map((side) => inPatientAxes(side * 170, top + sag * (1 - side * side)));
  for (const [index, from] of places.slice(0, -1).entries()) {
    paintCapsule(canvas, { from, to: places[index + 1]!, radius: 2 }, { hounsfield: -150 });
  }
}
