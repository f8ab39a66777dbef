import { describe, expect, test } from 'vitest';
import { resizeSlice } from './resize-slice.ts';

/** Stored pattern n is grey level n. */
const identity = Float32Array.from({ length: 256 }, (_, level) => level);

/** Area averaging as its definition says, pixel by pixel. */
function averageByDefinition(
  samples: Uint8Array,
  { rows, columns, size }: { rows: number; columns: number; size: number },
) {
  const covered = (index: number, from: number, at: number) => {
    const scale = from / size;
    return Math.max(0, Math.min((index + 1) * scale, at + 1) - Math.max(index * scale, at));
  };
  return Uint8Array.from({ length: size * size }, (_, target) => {
    const y = Math.floor(target / size);
    const x = target % size;
    let sum = 0;
    let area = 0;
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        const weight = covered(y, rows, row) * covered(x, columns, column);
        sum += weight * samples[row * columns + column]!;
        area += weight;
      }
    }
    return Math.round(sum / area);
  });
}

const noise = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 2654435761) >>> 24);

describe('resizeSlice()', () => {
  test('leaves an image of the right size alone', () => {
    const samples = noise(16 * 16);
    expect(resizeSlice(samples, { rows: 16, columns: 16, sizePixels: 16, table: identity })).toEqual(samples);
  });

  test.each([
    [64, 32],
    [50, 22],
    [37, 36],
    [101, 7],
  ])('averages areas from %i to %i pixels', (from, size) => {
    const samples = noise(from * from);
    const resized = resizeSlice(samples, { rows: from, columns: from, sizePixels: size, table: identity });
    const expected = averageByDefinition(samples, { rows: from, columns: from, size });
    const differences = resized.map((level, index) => Math.abs(level - expected[index]!));
    // Sums in another order may round the other way.
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
    expect(differences.filter((difference) => difference > 0).length).toBeLessThan(size * size * 0.01);
  });

  test('keeps a constant image constant, whatever the sizes', () => {
    for (const [from, size] of [
      [100, 32],
      [33, 48],
      [512, 224],
    ] as const) {
      const samples = new Uint8Array(from * from).fill(77);
      const resized = resizeSlice(samples, { rows: from, columns: from, sizePixels: size, table: identity });
      expect(new Set(resized)).toEqual(new Set([77]));
    }
  });

  test('enlarges bilinearly with half-pixel centres', () => {
    const samples = Uint8Array.from([0, 100, 200, 40]);
    const resized = resizeSlice(samples, { rows: 2, columns: 2, sizePixels: 4, table: identity });
    // Rows at -0.25 (clamped), 0.25, 0.75, 1.25 (clamped), and columns likewise.
    expect([...resized.subarray(0, 4)]).toEqual([0, 25, 75, 100]);
    expect([...resized.subarray(4, 8)]).toEqual([50, 59, 76, 85]);
    expect([...resized.subarray(12, 16)]).toEqual([200, 160, 80, 40]);
  });

  test('pads an image that is not square with black and keeps its shape', () => {
    const samples = new Uint8Array(64 * 32).fill(200);
    const resized = resizeSlice(samples, { rows: 32, columns: 64, sizePixels: 16, table: identity });
    const rowMeans = Array.from({ length: 16 }, (_, row) => resized[row * 16 + 5]);
    expect(rowMeans).toEqual([0, 0, 0, 0, 200, 200, 200, 200, 200, 200, 200, 200, 0, 0, 0, 0]);
  });

  test('averages grey levels and not stored numbers, so that the window comes first', () => {
    const clipped = Float32Array.from({ length: 256 }, (_, level) => (level > 128 ? 255 : 0));
    const samples = Uint8Array.from([0, 255, 0, 255]);
    expect([...resizeSlice(samples, { rows: 2, columns: 2, sizePixels: 1, table: clipped })]).toEqual([128]);
  });
});
