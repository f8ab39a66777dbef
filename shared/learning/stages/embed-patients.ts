import type { Engine } from '../engine/open-engine.ts';
import { l2Normalise } from '../ops/l2-normalise.ts';
import type { ParameterTensors } from '../parameters.ts';
import type { AlignmentBatch } from './alignment-batch.ts';
import type { ModalityEncoder } from './modality-encoder.ts';

/** The given patients' vectors, each in the row it has in the batch; the other rows are zero. */
export async function embedPatients(
  engine: Engine,
  { encoder, parameters }: { encoder: ModalityEncoder; parameters: ParameterTensors },
  {
    batch,
    patients,
    embeddingWidth,
    pooledWidth,
  }: { batch: AlignmentBatch; patients: readonly number[]; embeddingWidth: number; pooledWidth: number },
): Promise<{ unit: Float32Array; pooled: Float32Array }> {
  const { tf } = engine;
  const unit = new Float32Array(batch.patients * embeddingWidth);
  const pooled = new Float32Array(encoder.modality === 'ct' ? batch.patients * pooledWidth : 0);
  if (patients.length === 0) return { unit, pooled };
  const tensors = tf.tidy(() => {
    const encoded = encoder.encode(encoder.load(batch, patients), parameters);
    return { unit: l2Normalise(engine, encoded.embedding), ...(encoded.pooled && { pooled: encoded.pooled }) };
  });
  try {
    placeRows(unit, await tensors.unit.data<'float32'>(), patients);
    if (tensors.pooled) placeRows(pooled, await tensors.pooled.data<'float32'>(), patients);
  } finally {
    tf.dispose(tensors);
  }
  return { unit, pooled };
}

/** Writes consecutive rows to the given rows of a matrix of the same width. */
function placeRows(matrix: Float32Array, rows: Float32Array, indices: readonly number[]): void {
  const width = rows.length / indices.length;
  indices.forEach((index, row) => {
    matrix.set(rows.subarray(row * width, (row + 1) * width), index * width);
  });
}
