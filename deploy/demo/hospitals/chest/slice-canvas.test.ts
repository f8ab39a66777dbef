import { describe, expect, test } from 'vitest';
import { portableDirection } from '../arithmetic/portable-direction.ts';
import { createSliceCanvas, paintCapsule, paintEllipse } from './slice-canvas.ts';

const still = { columnsMillimetres: 0, rowsMillimetres: 0, turn: portableDirection(0) };
const canvasWith = (frame = still) => createSliceCanvas({ sizePixels: 64, spacingMillimetres: 2, frame });
const areaOf = (canvas: ReturnType<typeof canvasWith>) =>
  canvas.hounsfield.reduce((sum, value) => sum + value, 0) * canvas.spacingMillimetres ** 2;
const centreOf = (canvas: ReturnType<typeof canvasWith>) => {
  let [mass, columns, rows] = [0, 0, 0];
  for (const [index, value] of canvas.hounsfield.entries()) {
    mass += value;
    columns += value * (index % 64);
    rows += value * Math.floor(index / 64);
  }
  return [columns / mass, rows / mass];
};

describe('paintEllipse()', () => {
  test.each([
    [20, 20, 0],
    [31, 12, 0.1],
    [9, 25, 0.37],
  ])('covers the area of an ellipse, within two per cent: half-axes %s and %s mm, %s turns', (halfWidth, halfDepth, turns) => {
    const canvas = canvasWith();
    paintEllipse(
      canvas,
      { left: 3, back: -5, halfWidth, halfDepth, turn: portableDirection(turns) },
      { hounsfield: 1 },
    );
    expect(Math.abs(areaOf(canvas) / (Math.PI * halfWidth * halfDepth) - 1)).toBeLessThan(0.02);
  });

  test('lies where the patient’s frame puts it: 10 mm to the left of a quarter-turned patient is 10 mm down', () => {
    const canvas = canvasWith({ columnsMillimetres: 6, rowsMillimetres: -4, turn: portableDirection(0.25) });
    paintEllipse(canvas, { left: 10, back: 0, halfWidth: 8, halfDepth: 8 }, { hounsfield: 1 });
    const [column, row] = centreOf(canvas) as [number, number];
    expect(column).toBeCloseTo(31.5 + 6 / 2, 2);
    expect(row).toBeCloseTo(31.5 + (10 - 4) / 2, 2);
  });

  test('paints only within a mask', () => {
    const canvas = canvasWith();
    const within = new Float32Array(64 * 64).map((_, index) => (index % 64 < 32 ? 1 : 0));
    paintEllipse(canvas, { left: 0, back: 0, halfWidth: 20, halfDepth: 20 }, { hounsfield: 1, within });
    expect(Math.abs(areaOf(canvas) / (0.5 * Math.PI * 400) - 1)).toBeLessThan(0.02);
  });
});

describe('paintCapsule()', () => {
  test('covers a line with round ends, within two per cent', () => {
    const canvas = canvasWith();
    paintCapsule(canvas, { from: { left: -20, back: -10 }, to: { left: 15, back: 12 }, radius: 5 }, { hounsfield: 1 });
    const length = Math.hypot(35, 22);
    expect(Math.abs(areaOf(canvas) / (length * 10 + Math.PI * 25) - 1)).toBeLessThan(0.02);
  });

  test('fills pixels in part where the line is thinner than they are', () => {
    const canvas = canvasWith();
    paintCapsule(canvas, { from: { left: -20, back: 0 }, to: { left: 20, back: 0 }, radius: 0.5 }, { hounsfield: 1 });
    expect(Math.abs(areaOf(canvas) / 40 - 1)).toBeLessThan(0.1);
    expect(Math.max(...canvas.hounsfield)).toBeLessThanOrEqual(0.5);
  });
});
