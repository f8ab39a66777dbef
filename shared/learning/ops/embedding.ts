import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { selectRows } from './select-rows.ts';

/**
 * PyTorch's Embedding: the rows of a table [entries, width] at `ids`, [ids, width]. The row of `paddingId` is read like any
 * other but gets no gradient (`padding_idx`).
 *
 * @throws {RangeError} when an id is not a row of the table.
 */
export function embedding(
  engine: Engine,
  table: Tensor2D,
  { ids, paddingId }: { readonly ids: Int32Array; readonly paddingId?: number },
): Tensor2D {
  return selectRows(engine, table, { indices: ids, untrainedRow: paddingId });
}
