/**
 * Puts a robust rule in the place of the sample-weighted mean, for studies whose sites all agreed to that: the coordinator
 * opens each update, as it does with sealed ones, and holds a piece of each at a time.
 *
 * Each layout group is aggregated by itself over the sites that trained it. A group that too few sites trained for the rule
 * is left as it was: no rule could tell there which of them is faulty.
 */
import { decodeSum, type UpdateCode } from '@wardround/protocols/transfer/update-code.ts';
import { robustMean } from '@wardround/shared/aggregation/robust/robust-mean.ts';
import { fewestUpdates, type RobustRule } from '@wardround/shared/aggregation/robust/robust-rule.ts';
import { int32FromBytes } from '@wardround/shared/bytes/little-endian.ts';

/** Coordinates of all updates together that are in memory at a time: 256 MB. */
const MOST_COORDINATES = 2 ** 26;

export interface RobustAggregate {
  /** As `decodeSum` gives it. */
  readonly meanDelta: Float32Array;
  /** Per layout group, over the sites whose updates the rule looked at; 0 for a group that is left as it was. */
  readonly sampleCounts: readonly number[];
}

/**
 * @param open opens an update, as often as asked; what it returns is cleared here.
 * @throws whatever `open` throws.
 */
export async function robustAggregate<Update>(
  updates: readonly Update[],
  options: {
    readonly code: UpdateCode;
    readonly rule: RobustRule;
    readonly open: (update: Update) => Promise<Uint8Array>;
    /** For tests. */
    readonly mostCoordinates?: number;
  },
): Promise<RobustAggregate> {
  const { code, rule, open, mostCoordinates = MOST_COORDINATES } = options;
  const { layout } = code;
  const decode = async (update: Update) => {
    const vector = await open(update);
    const decoded = decodeSum(int32FromBytes(vector), code);
    vector.fill(0);
    return decoded;
  };

  const counts: number[][] = [];
  for (const update of updates) counts.push((await decode(update)).sampleCounts);
  const meanDelta = new Float32Array(layout.size);
  const sampleCounts: number[] = [];
  for (const [group, name] of layout.groups.entries()) {
    const trained = updates.filter((_, update) => counts[update]![group]! > 0);
    if (trained.length < fewestUpdates(rule)) {
      sampleCounts.push(0);
      continue;
    }
    const tensors = layout.tensors.filter((tensor) => tensor.group === name);
    const { mean } = await robustMean(
      {
        updates: trained.length,
        size: tensors.reduce((sum, { size }) => sum + size, 0),
        async read(offset, length) {
          const pieces: Float32Array[] = [];
          for (const update of trained) {
            const { meanDelta: delta } = await decode(update);
            pieces.push(gather(delta, tensors, { offset, length }));
          }
          return pieces;
        },
      },
      { rule, pieceLength: Math.max(1, Math.floor(mostCoordinates / trained.length)) },
    );
    let at = 0;
    for (const { offset, size } of tensors) {
      meanDelta.set(mean.subarray(at, at + size), offset);
      at += size;
    }
    sampleCounts.push(counts.reduce((sum, own) => sum + own[group]!, 0));
  }
  return { meanDelta, sampleCounts };
}

/** Coordinates from `offset` on of the tensors laid end to end, as an array of its own. */
function gather(
  delta: Float32Array,
  tensors: readonly { readonly offset: number; readonly size: number }[],
  { offset, length }: { readonly offset: number; readonly length: number },
): Float32Array {
  const piece = new Float32Array(length);
  let start = 0;
  for (const tensor of tensors) {
    const from = Math.max(offset, start);
    const to = Math.min(offset + length, start + tensor.size);
    if (from < to) {
      piece.set(delta.subarray(tensor.offset + from - start, tensor.offset + to - start), from - offset);
    }
    start += tensor.size;
  }
  return piece;
}
