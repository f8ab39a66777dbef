import { describe, expect, test } from 'vitest';
import '../../test/all-close.ts';
import { inflatePositions, resamplePositions } from './resample-positions.ts';
import { sinCosPositions } from './sin-cos-positions.ts';

const exact = { relative: 1e-6, absolute: 1e-7 };

describe('sinCosPositions()', () => {
  const row = (table: Float32Array, index: number, width: number) => table.subarray(index * width, (index + 1) * width);

  test('encodes the column, then the row, after a zero row for the class token', () => {
    const table = sinCosPositions('mae', { width: 8, rows: 2, columns: 3 });
    expect(table).toHaveLength(7 * 8);
    expect([...row(table, 0, 8)]).toEqual(new Array(8).fill(0));
    // Row 1, column 2; frequencies 1 and 1/100.
    const [sin, cos] = [Math.sin, Math.cos];
    const expected = [sin(2), sin(0.02), cos(2), cos(0.02), sin(1), sin(0.01), cos(1), cos(0.01)];
    expect(row(table, 6, 8)).toBeAllClose(expected, exact);
  });

  test('of MoCo v3 counts tokens column by column', () => {
    const table = sinCosPositions('moco', { width: 4, rows: 2, columns: 3 });
    const expected = [Math.sin(1), Math.cos(1), Math.sin(0), Math.cos(0)];
    expect(row(table, 3, 4)).toBeAllClose(expected, exact);
  });

  test('of MaCo has frequencies that fall more slowly', () => {
    const table = sinCosPositions('maco', { width: 8, rows: 1, columns: 2 });
    expect(row(table, 2, 8)[1]).toBeCloseTo(Math.sin(10_000 ** -0.125), 6);
  });

  test('refuses a width that four parts do not fill', () => {
    expect(() => sinCosPositions('mae', { width: 6, rows: 2, columns: 2 })).toThrow('multiple of 4, found 6');
  });
});

/** A class token of 9s, then for each patch its row and its column. */
function coordinates({ rows, columns }: { rows: number; columns: number }): Float32Array {
  const patches = Array.from({ length: rows * columns }, (_, i) => [Math.floor(i / columns), i % columns]);
  return Float32Array.from([9, 9, ...patches.flat()]);
}

describe('resamplePositions()', () => {
  test('keeps the class token and, on the same grid, everything', () => {
    const grid = { rows: 3, columns: 4 };
    const table = coordinates(grid);
    expect(resamplePositions(table, { width: 2, from: grid, to: grid })).toBeAllClose(table, exact);
    const other = resamplePositions(table, { width: 2, from: grid, to: { rows: 2, columns: 5 } });
    expect(other).toHaveLength(22);
    expect([...other.subarray(0, 2)]).toEqual([9, 9]);
  });

  test('refuses a table of another grid', () => {
    const grid = { rows: 3, columns: 4 };
    expect(() => resamplePositions(new Float32Array(24), { width: 2, from: grid, to: grid })).toThrow(
      'need 26 numbers, found 24',
    );
  });
});

describe('inflatePositions()', () => {
  test('drops the class token and repeats the grid along the depth', () => {
    const grid = { rows: 2, columns: 2 };
    const inflated = inflatePositions(coordinates(grid), { width: 2, from: grid, to: { ...grid, depth: 3 } });
    const slab = [0, 0, 0, 1, 1, 0, 1, 1];
    expect([...inflated]).toEqual([...slab, ...slab, ...slab]);
  });
});
