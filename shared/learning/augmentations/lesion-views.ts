/**
 * LeCL's pair of views of a slice (CLEAR, arXiv 2411.16803): the whole slice and a crop on its lesion, so that what they
 * have in common is the lesion. A slice without a lesion gets two random crops.
 */
import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import type { SeededRandom } from '../../random/seeded-random.ts';
import type { Engine } from '../engine/open-engine.ts';

/** Where a lesion lies, in pixels of the slice. */
export interface LesionBox {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** SimCLR's smallest crop: the same share bounds both the random crops and, by its root, a lesion crop's sides. */
const smallestArea = 0.08;
const widestRatio = 4 / 3;

export interface LesionViews {
  /** [n, size, size]: the whole slice; a random crop where there is no lesion. */
  readonly whole: Tensor3D;
  /** [n, size, size]: the crop around a lesion, black beyond the slice; another random crop where there is none. */
  readonly lesion: Tensor3D;
  /** Which slices have a lesion. */
  readonly flags: readonly boolean[];
}

/**
 * @param slices [n, height, width]
 * @param options.lesions the boxes of each slice; one of several is drawn.
 * @param options.sizePixels the side of the views.
 */
export function lesionViews(
  { tf }: Engine,
  slices: Tensor3D,
  {
    lesions,
    sizePixels,
    random,
  }: {
    readonly lesions: readonly (readonly LesionBox[])[];
    readonly sizePixels: number;
    readonly random: SeededRandom;
  },
): LesionViews {
  const [count, height, width] = slices.shape;
  if (lesions.length !== count) {
    throw new TypeError(`Cannot make views: ${count} slices need ${count} lists of lesions, found ${lesions.length}`);
  }
  const flags = lesions.map((boxes) => boxes.length > 0);
  const wholes: Crop[] = [];
  const crops: Crop[] = [];
  for (const boxes of lesions) {
    const box = boxes[random.int(Math.max(boxes.length, 1))];
    wholes.push(box === undefined ? randomCrop(random) : [0, 0, 1, 1]);
    crops.push(box === undefined ? randomCrop(random) : lesionCrop(box, { height, width, random }));
  }
  const cropped = (boxes: readonly Crop[]): Tensor3D =>
    tf.tidy(() => {
      const pixels: Tensor4D = tf.reshape(slices, [count, height, width, 1]);
      const sources = tf.range(0, count, 1, 'int32');
      const size: [number, number] = [sizePixels, sizePixels];
      const views = tf.image.cropAndResize(pixels, tf.tensor2d(boxes.map((box) => [...box])), sources, size);
      return tf.reshape(views, [count, sizePixels, sizePixels]);
    });
  return { whole: cropped(wholes), lesion: cropped(crops), flags };
}

/** Top, left, bottom, right as shares of the slice. */
type Crop = readonly [number, number, number, number];

/** Centred on the lesion; the released code centres on a corner of the box, which shows the lesion at an edge. */
function lesionCrop(
  { left, top, right, bottom }: LesionBox,
  { height, width, random }: { height: number; width: number; random: SeededRandom },
): Crop {
  const side = () => Math.sqrt(smallestArea) + (1 - Math.sqrt(smallestArea)) * random.next();
  const [tall, wide] = [side(), side()];
  const [row, column] = [(top + bottom) / 2 / height, (left + right) / 2 / width];
  return [row - tall / 2, column - wide / 2, row + tall / 2, column + wide / 2];
}

function randomCrop(random: SeededRandom): Crop {
  const area = smallestArea + (1 - smallestArea) * random.next();
  const ratio = widestRatio ** (2 * random.next() - 1);
  const tall = Math.min(1, Math.sqrt(area / ratio));
  const wide = Math.min(1, Math.sqrt(area * ratio));
  const top = random.next() * (1 - tall);
  const left = random.next() * (1 - wide);
  return [top, left, top + tall, left + wide];
}
