/** A square of Hounsfield values that shapes are painted on, in millimetres of the patient's own axes. */
import type { Direction } from '../arithmetic/portable-direction.ts';

export interface SliceCanvas {
  sizePixels: number;
  spacingMillimetres: number;
  /** [size, size] Hounsfield units, row by row. */
  hounsfield: Float32Array;
  /** [size, size] where each pixel's centre lies, from the middle of the body towards the patient's left. */
  leftMillimetres: Float32Array;
  /** [size, size] the same, towards the patient's back. */
  backMillimetres: Float32Array;
  frame: PatientFrame;
}

/** Where the body lies in the picture: its middle relative to the picture's middle, and how far it is turned. */
export interface PatientFrame {
  columnsMillimetres: number;
  rowsMillimetres: number;
  turn: Direction;
}

export interface Ellipse {
  left: number;
  back: number;
  halfWidth: number;
  halfDepth: number;
  /** 0 is an ellipse, 1 the rounder-cornered superellipse of the fourth power. */
  squareness?: number;
  turn?: Direction;
}

export interface Capsule {
  from: { left: number; back: number };
  to: { left: number; back: number };
  radius: number;
}

export interface Paint {
  hounsfield: number;
  /** [size, size] 0..1: paints only there. */
  within?: Float32Array;
}

export function createSliceCanvas(options: {
  sizePixels: number;
  spacingMillimetres: number;
  frame: PatientFrame;
}): SliceCanvas {
  const { sizePixels, spacingMillimetres, frame } = options;
  const leftMillimetres = new Float32Array(sizePixels * sizePixels);
  const backMillimetres = new Float32Array(sizePixels * sizePixels);
  const middle = (sizePixels - 1) / 2;
  for (let row = 0, index = 0; row < sizePixels; row += 1) {
    for (let column = 0; column < sizePixels; column += 1, index += 1) {
      const x = (column - middle) * spacingMillimetres - frame.columnsMillimetres;
      const y = (row - middle) * spacingMillimetres - frame.rowsMillimetres;
      leftMillimetres[index] = x * frame.turn.cosine + y * frame.turn.sine;
      backMillimetres[index] = y * frame.turn.cosine - x * frame.turn.sine;
    }
  }
  const hounsfield = new Float32Array(sizePixels * sizePixels);
  return { sizePixels, spacingMillimetres, hounsfield, leftMillimetres, backMillimetres, frame };
}

/** Edges are one pixel soft, as the partial volume effect makes them. */
export function paintEllipse(canvas: SliceCanvas, ellipse: Ellipse, { hounsfield, within }: Paint): void {
  coverEllipse(canvas, ellipse, (index, coverage) => {
    const opacity = within ? coverage * within[index]! : coverage;
    canvas.hounsfield[index]! += opacity * (hounsfield - canvas.hounsfield[index]!);
  });
}

/** A line with round ends, thinner than a pixel or thicker. */
export function paintCapsule(canvas: SliceCanvas, { from, to, radius }: Capsule, { hounsfield, within }: Paint): void {
  const spacing = canvas.spacingMillimetres;
  const along = { left: to.left - from.left, back: to.back - from.back };
  const lengthSquare = along.left * along.left + along.back * along.back;
  // What is thinner than a pixel fills only part of it.
  const fill = Math.min(1, (2 * radius) / spacing);
  const reach = Math.sqrt(lengthSquare) / 2 + radius + spacing;
  const middle = { left: (from.left + to.left) / 2, back: (from.back + to.back) / 2 };
  forEachPixelNear(canvas, middle, reach, (index) => {
    const left = canvas.leftMillimetres[index]! - from.left;
    const back = canvas.backMillimetres[index]! - from.back;
    const place = lengthSquare === 0 ? 0 : clampUnit((left * along.left + back * along.back) / lengthSquare);
    const dx = left - place * along.left;
    const dy = back - place * along.back;
    const distance = Math.sqrt(dx * dx + dy * dy);
    const coverage = fill * clampUnit(0.5 + (Math.max(radius, spacing / 2) - distance) / spacing);
    if (coverage === 0) return;
    const opacity = within ? coverage * within[index]! : coverage;
    canvas.hounsfield[index]! += opacity * (hounsfield - canvas.hounsfield[index]!);
  });
}

/** Calls `visit` with each pixel the ellipse touches and how much of the pixel it covers, 0..1. */
export function coverEllipse(
  canvas: SliceCanvas,
  ellipse: Ellipse,
  visit: (index: number, coverage: number) => void,
): void {
  const { left, back, halfWidth, halfDepth, squareness = 0, turn } = ellipse;
  const spacing = canvas.spacingMillimetres;
  const narrow = Math.min(halfWidth, halfDepth);
  // A turned superellipse reaches a little beyond its half-axes.
  const reach = Math.max(halfWidth, halfDepth) * (1 + 0.2 * squareness) + spacing;
  forEachPixelNear(canvas, ellipse, reach, (index) => {
    let x = canvas.leftMillimetres[index]! - left;
    let y = canvas.backMillimetres[index]! - back;
    if (turn) {
      const turned = x * turn.cosine + y * turn.sine;
      y = y * turn.cosine - x * turn.sine;
      x = turned;
    }
    const u = (x / halfWidth) * (x / halfWidth);
    const v = (y / halfDepth) * (y / halfDepth);
    let radius = Math.sqrt(u + v);
    if (squareness > 0) radius += squareness * (Math.sqrt(Math.sqrt(u * u + v * v)) - radius);
    const coverage = clampUnit(0.5 + ((1 - radius) * narrow) / spacing);
    if (coverage > 0) visit(index, coverage);
  });
}

function forEachPixelNear(
  canvas: SliceCanvas,
  centre: { left: number; back: number },
  reachMillimetres: number,
  visit: (index: number) => void,
): void {
  const { sizePixels, spacingMillimetres, frame } = canvas;
  const x = centre.left * frame.turn.cosine - centre.back * frame.turn.sine + frame.columnsMillimetres;
  const y = centre.left * frame.turn.sine + centre.back * frame.turn.cosine + frame.rowsMillimetres;
  const middle = (sizePixels - 1) / 2;
  const first = (position: number) =>
    Math.max(0, Math.floor((position - reachMillimetres) / spacingMillimetres + middle));
  const last = (position: number) =>
    Math.min(sizePixels - 1, Math.ceil((position + reachMillimetres) / spacingMillimetres + middle));
  const [firstColumn, lastColumn] = [first(x), last(x)];
  const lastRow = last(y);
  for (let row = first(y); row <= lastRow; row += 1) {
    const start = row * sizePixels;
    for (let index = start + firstColumn; index <= start + lastColumn; index += 1) visit(index);
  }
}

export const clampUnit = (value: number): number => (value < 0 ? 0 : value > 1 ? 1 : value);
