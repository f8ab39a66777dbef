/** Embeddings of prompts that say a finding is there, and that it is not: [findings, width] each. */
export interface PromptPairs {
  readonly positive: Float32Array;
  readonly negative: Float32Array;
}

/**
 * The probability of each finding in each image without any training for it: the softmax over the similarities to the
 * finding's two prompts. [images, findings], row-major.
 *
 * @param images [images, width] embeddings in the prompts' space.
 * @param options.similarity `cosine` divided by `temperature` (fVLM), or the plain `dot-product` (MaCo, temperature 1).
 * @throws {TypeError} when the embeddings do not have the width.
 */
export function zeroShotProbabilities(
  images: Float32Array,
  prompts: PromptPairs,
  {
    width,
    similarity,
    temperature = 1,
  }: { readonly width: number; readonly similarity: 'cosine' | 'dot-product'; readonly temperature?: number },
): Float64Array {
  const count = images.length / width;
  const findings = prompts.positive.length / width;
  if (!Number.isInteger(count) || !Number.isInteger(findings) || prompts.negative.length !== prompts.positive.length) {
    throw new TypeError(
      `Cannot compare images and prompts: ${images.length}, ${prompts.positive.length} and ${prompts.negative.length} numbers are not rows of ${width}, with a negative prompt for each positive one`,
    );
  }
  const similar = similarity === 'cosine' ? cosine : dotProduct;
  const rowOf = (matrix: Float32Array, row: number) => matrix.subarray(row * width, (row + 1) * width);
  const probabilities = new Float64Array(count * findings);
  for (let image = 0; image < count; image += 1) {
    for (let finding = 0; finding < findings; finding += 1) {
      const embedding = rowOf(images, image);
      const lead =
        similar(embedding, rowOf(prompts.positive, finding)) - similar(embedding, rowOf(prompts.negative, finding));
      probabilities[image * findings + finding] = 1 / (1 + Math.exp(-lead / temperature));
    }
  }
  return probabilities;
}

function dotProduct(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i]! * b[i]!;
  return sum;
}

function cosine(a: Float32Array, b: Float32Array): number {
  return dotProduct(a, b) / Math.sqrt(dotProduct(a, a) * dotProduct(b, b));
}
