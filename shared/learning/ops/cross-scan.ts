/**
 * The four directions in which a vision state space model reads an image (VMamba, Liu et al. 2024, arXiv 2401.10166):
 * 0 row by row, 1 column by column, 2 and 3 the reverse of 0 and 1. Tokens are [images, tokens, columns]; tokens of an
 * image lie row by row, tokens of four directions side by side, the columns of direction 0 first.
 */
import type { Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';
import { hostLoop } from './host-loop.ts';

const directions = 4;

export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** Reads the same tokens in each direction: [images, height * width, channels] -> [images, height * width, 4 * channels]. */
export function crossScan(engine: Engine, x: Tensor3D, size: ImageSize): Tensor3D {
  checkTokens(x, size);
  return differentiable(engine, [x], {
    forward: (tokens) => ({ value: spread(engine, tokens, size), keep: {} }),
    backward: (dy) => [gather(engine, dy, size)],
  });
}

/** Puts the tokens of each direction back in their places and adds the four: the transpose of `crossScan`. */
export function crossMerge(engine: Engine, y: Tensor3D, size: ImageSize): Tensor3D {
  checkTokens(y, size);
  return differentiable(engine, [y], {
    forward: (tokens) => ({ value: gather(engine, tokens, size), keep: {} }),
    backward: (dx) => [spread(engine, dx, size)],
  });
}

/** Orders each direction's own columns, [images, height * width, 4 * columns], as the direction reads them. */
export function inScanOrder(engine: Engine, x: Tensor3D, size: ImageSize): Tensor3D {
  checkTokens(x, size);
  return differentiable(engine, [x], {
    forward: (tokens) => ({ value: reorder(engine, tokens, { size, back: false }), keep: {} }),
    backward: (dy) => [reorder(engine, dy, { size, back: true })],
  });
}

function checkTokens(x: Tensor3D, { height, width }: ImageSize): void {
  if (x.shape[1] !== height * width) {
    throw new TypeError(`Cannot scan an image of ${height} x ${width} tokens: found ${x.shape[1]} tokens an image`);
  }
}

function spread(engine: Engine, x: Tensor3D, size: ImageSize): Tensor3D {
  const [images, tokens, columns] = x.shape;
  if (!engine.habits.hostLoops) {
    const inOrder = (direction: number) => read(engine, x, { size, direction, back: false });
    return engine.tf.concat([0, 1, 2, 3].map(inOrder), 2);
  }
  return hostLoop(engine, [x], {
    shapes: [[images, tokens, directions * columns]],
    loop: ([source], [target]) =>
      forEachToken({ images, size }, (place, token, direction) => {
        const from = place * columns;
        const to = (token * directions + direction) * columns;
        for (let column = 0; column < columns; column += 1) target![to + column] = source![from + column]!;
      }),
  })[0] as Tensor3D;
}

function gather(engine: Engine, y: Tensor3D, size: ImageSize): Tensor3D {
  const { tf } = engine;
  const [images, tokens, all] = y.shape;
  const columns = all / directions;
  if (!engine.habits.hostLoops) {
    const parts: Tensor3D[] = tf.split(y, directions, 2);
    return tf.addN(parts.map((part, direction) => read(engine, part, { size, direction, back: true })));
  }
  return hostLoop(engine, [y], {
    shapes: [[images, tokens, columns]],
    loop: ([source], [target]) => {
      target!.fill(0);
      forEachToken({ images, size }, (place, token, direction) => {
        const to = place * columns;
        const from = (token * directions + direction) * columns;
        for (let column = 0; column < columns; column += 1) {
          target![to + column] = target![to + column]! + source![from + column]!;
        }
      });
    },
  })[0] as Tensor3D;
}

function reorder(engine: Engine, x: Tensor3D, { size, back }: { size: ImageSize; back: boolean }): Tensor3D {
  const { tf } = engine;
  const [images, , all] = x.shape;
  const columns = all / directions;
  if (!engine.habits.hostLoops) {
    const parts: Tensor3D[] = tf.split(x, directions, 2);
    return tf.concat(
      parts.map((part, direction) => read(engine, part, { size, direction, back })),
      2,
    );
  }
  return hostLoop(engine, [x], {
    shapes: [x.shape],
    loop: ([source], [target]) =>
      forEachToken({ images, size }, (place, token, direction) => {
        const from = ((back ? token : place) * directions + direction) * columns;
        const to = ((back ? place : token) * directions + direction) * columns;
        for (let column = 0; column < columns; column += 1) target![to + column] = source![from + column]!;
      }),
  })[0] as Tensor3D;
}

/** The tokens as one direction reads them, or back in their places. */
function read(
  { tf }: Engine,
  x: Tensor3D,
  { size: { height, width }, direction, back }: { size: ImageSize; direction: number; back: boolean },
): Tensor3D {
  const turned = (tokens: Tensor3D) => (direction >= 2 ? tf.reverse(tokens, 1) : tokens);
  if (direction % 2 === 0) return turned(x);
  const [images, , columns] = x.shape;
  const [rows, inRow] = back ? [width, height] : [height, width];
  const ahead = back ? turned(x) : x;
  const across = tf.transpose(tf.reshape(ahead, [images, rows, inRow, columns]), [0, 2, 1, 3]);
  const tokens: Tensor3D = tf.reshape(across, x.shape);
  return back ? tokens : turned(tokens);
}

/**
 * Visits each token of each direction: its `place` row by row among all images' tokens, and its number there as the
 * direction reads them, `token`.
 */
function forEachToken(
  { images, size: { height, width } }: { images: number; size: ImageSize },
  visit: (place: number, token: number, direction: number) => void,
): void {
  const tokens = height * width;
  for (let first = 0; first < images * tokens; first += tokens) {
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1) {
        const byRow = row * width + column;
        const byColumn = column * height + row;
        const place = first + byRow;
        visit(place, place, 0);
        visit(place, first + byColumn, 1);
        visit(place, first + tokens - 1 - byRow, 2);
        visit(place, first + tokens - 1 - byColumn, 3);
      }
    }
  }
}
