/** Two endless patterns that lung tissue is made of, drawn once per run and laid over each slice at a random place and angle. */
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import type { Direction } from '../arithmetic/portable-direction.ts';
import { portableDirection } from '../arithmetic/portable-direction.ts';
import { clampUnit } from './slice-canvas.ts';

/** A square pattern of a power-of-two size whose edges meet. */
export interface Texture {
  size: number;
  /** [size, size] row by row. */
  values: Float32Array;
  /** `values` in rising order, to find the level that a wanted share of the area exceeds. */
  sorted: Float32Array;
}

export interface TissueTextures {
  /** Clouds, 0..1, about eight texels across. */
  clouds: Texture;
  /** Walls between cells about eight texels across: 1 on a wall, 0 inside a cell. */
  network: Texture;
}

/** How a texture lies over a slice. */
export interface TexturePlacement {
  left: number;
  back: number;
  turn: Direction;
  texelsPerMillimetre: number;
}

const SIZE = 256;
const CELL = 8;

export function drawTissueTextures(random: SeededRandom): TissueTextures {
  return { clouds: drawClouds(random.fork('clouds')), network: drawNetwork(random.fork('network')) };
}

/** A random place and angle at which features of `texture` have about the given size. */
export function placeTexture(random: SeededRandom, featureMillimetres: number): TexturePlacement {
  return {
    left: random.next() * SIZE,
    back: random.next() * SIZE,
    turn: portableDirection(random.next()),
    texelsPerMillimetre: CELL / featureMillimetres,
  };
}

/** The texture's value at a point of the slice, interpolated between texels. */
export function sampleTexture(texture: Texture, placement: TexturePlacement, left: number, back: number): number {
  const { size, values } = texture;
  const { turn, texelsPerMillimetre } = placement;
  const x = placement.left + (left * turn.cosine + back * turn.sine) * texelsPerMillimetre;
  const y = placement.back + (back * turn.cosine - left * turn.sine) * texelsPerMillimetre;
  const column = Math.floor(x);
  const row = Math.floor(y);
  const mask = size - 1;
  const above = (row & mask) * size;
  const below = ((row + 1) & mask) * size;
  const near = column & mask;
  const far = (column + 1) & mask;
  const across = x - column;
  const top = values[above + near]! + across * (values[above + far]! - values[above + near]!);
  const bottom = values[below + near]! + across * (values[below + far]! - values[below + near]!);
  return top + (y - row) * (bottom - top);
}

/** The level that this share of the texture's area exceeds. */
export function levelExceededBy(texture: Texture, areaShare: number): number {
  const last = texture.sorted.length - 1;
  return texture.sorted[Math.round((1 - clampUnit(areaShare)) * last)]!;
}

/** Value noise: random numbers on a grid with smooth steps between them, in two sizes. */
function drawClouds(random: SeededRandom): Texture {
  const coarse = drawGrid(random, SIZE / CELL);
  const fine = drawGrid(random, (2 * SIZE) / CELL);
  return fromFunction((row, column) => 0.7 * sampleGrid(coarse, row, column) + 0.3 * sampleGrid(fine, row, column));
}

interface Grid {
  size: number;
  values: Float32Array;
}

function drawGrid(random: SeededRandom, size: number): Grid {
  return { size, values: Float32Array.from({ length: size * size }, () => random.next()) };
}

function sampleGrid({ size, values }: Grid, row: number, column: number): number {
  const y = (row * size) / SIZE;
  const x = (column * size) / SIZE;
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const at = (r: number, c: number) => values[(r % size) * size + (c % size)]!;
  const across = smoothStep(x - left);
  const upper = at(top, left) + across * (at(top, left + 1) - at(top, left));
  const lower = at(top + 1, left) + across * (at(top + 1, left + 1) - at(top + 1, left));
  return upper + smoothStep(y - top) * (lower - upper);
}

const smoothStep = (x: number) => x * x * (3 - 2 * x);

/** Worley's cellular pattern (SIGGRAPH 1996): walls lie where the two nearest of scattered points are equally far. */
function drawNetwork(random: SeededRandom): Texture {
  const cells = SIZE / CELL;
  const jitter = () => 0.5 + 0.8 * (random.next() - 0.5);
  const points = Float32Array.from({ length: 2 * cells * cells }, jitter);
  const wallTexels = 2;
  return fromFunction((row, column) => {
    const cellRow = Math.floor(row / CELL);
    const cellColumn = Math.floor(column / CELL);
    let nearest = Infinity;
    let second = Infinity;
    for (let dr = -2; dr <= 2; dr += 1) {
      for (let dc = -2; dc <= 2; dc += 1) {
        const cell = ((cellRow + dr + cells) % cells) * cells + ((cellColumn + dc + cells) % cells);
        const y = (cellRow + dr + points[2 * cell]!) * CELL - row;
        const x = (cellColumn + dc + points[2 * cell + 1]!) * CELL - column;
        const distance = Math.sqrt(x * x + y * y);
        if (distance < nearest) {
          second = nearest;
          nearest = distance;
        } else if (distance < second) second = distance;
      }
    }
    return clampUnit(1.5 - (second - nearest) / wallTexels);
  });
}

function fromFunction(value: (row: number, column: number) => number): Texture {
  const values = new Float32Array(SIZE * SIZE);
  for (let row = 0, index = 0; row < SIZE; row += 1) {
    for (let column = 0; column < SIZE; column += 1, index += 1) values[index] = value(row, column);
  }
  return { size: SIZE, values, sorted: Float32Array.from(values).sort() };
}
