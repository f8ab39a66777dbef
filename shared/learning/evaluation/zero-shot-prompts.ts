/** The sentences that say a finding is there, and that it is not. */
export interface FindingPrompts {
  readonly positive: readonly string[];
  readonly negative: readonly string[];
}

/** MaCo's prompts for a finding (Huang et al. 2024, arXiv 2309.05904); the embeddings of each list are averaged. */
export function macoPrompts(finding: string): FindingPrompts {
  return {
    positive: [`There is ${finding}.`],
    negative: [`the lung is clear.`, `There is no ${finding}.`, `no ${finding}.`, `no evidence of ${finding}.`],
  };
}

/** fVLM's pair of prompts for a finding (Shui et al. 2025, arXiv 2501.14548). */
export function fvlmPrompts(finding: string): FindingPrompts {
  return { positive: [`${finding}.`], negative: [`Not ${finding}.`] };
}

/**
 * One embedding for several prompts: their mean. [prompts, width] -> [width].
 *
 * @throws {TypeError} when there is no whole row.
 */
export function meanEmbedding(embeddings: Float32Array, width: number): Float32Array {
  const rows = embeddings.length / width;
  if (!Number.isInteger(rows) || rows === 0) {
    throw new TypeError(`Cannot average: ${embeddings.length} numbers are not rows of ${width}`);
  }
  const sums = new Float64Array(width);
  embeddings.forEach((value, index) => {
    sums[index % width]! += value;
  });
  return Float32Array.from(sums, (sum) => sum / rows);
}
