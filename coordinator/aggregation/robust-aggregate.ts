/**
 * Puts a robust rule in the place of the sample-weighted mean, for studies whose sites all agreed to that: the coordinator
 * opens each update, as it does with sealed ones, and holds a piece of each at a time; the mean is held whole.
 *
 * Each layout group is aggregated by itself over the sites that trained it. A group that too few sites trained for the rule
 * is left as it was: no rule could tell there which of them is faulty.
 */
import { sampleCountWords } from '@wardround/protocols/transfer/sample-counts.ts';
import { meanDivisor, sumOfSampleCounts, type UpdateCode } from '@wardround/protocols/transfer/update-code.ts';
import { robustMean } from '@wardround/shared/aggregation/robust/robust-mean.ts';
import { fewestUpdates, type RobustRule } from '@wardround/shared/aggregation/robust/robust-rule.ts';
import { type CodeWords, createCodeWords } from '@wardround/shared/bytes/code-words.ts';
import { decodeFixedPoint } from '@wardround/shared/bytes/fixed-point.ts';

/** Coordinates of all updates together that are in memory at a time: 16 MiB. */
const MOST_COORDINATES = 2 ** 22;

export interface RobustAggregate {
  /** As `decodeSum` gives it. */
  readonly meanDelta: Float32Array;
  /** Per layout group, over the sites whose updates the rule looked at; 0 for a group that is left as it was. */
  readonly sampleCounts: readonly number[];
}

/**
 * @param options `read`: writes an update's words from `firstWord` on; asked as often as needed, and cleared here.
 * @throws whatever `read` throws.
 */
export async function robustAggregate<Update>(
  updates: readonly Update[],
  options: {
    readonly code: UpdateCode;
    readonly rule: RobustRule;
    readonly read: (update: Update, range: { readonly firstWord: number; readonly into: CodeWords }) => void;
    /** For tests. */
    readonly mostCoordinates?: number;
  },
): Promise<RobustAggregate> {
  const { code, rule, read, mostCoordinates = MOST_COORDINATES } = options;
  const { layout, codeBits = 32 } = code;
  const head = sampleCountWords(layout.groups.length, codeBits);

  const readCounts = (update: Update): number[] => {
    const into = createCodeWords(head, codeBits);
    read(update, { firstWord: 0, into });
    return sumOfSampleCounts(into, code);
  };
  /** The mean change of the coordinates from `first` on. */
  const readCoordinates = (
    update: Update,
    { first, values, divisor }: { readonly first: number; readonly values: Float32Array; readonly divisor: number },
  ): void => {
    const into = createCodeWords(values.length, codeBits);
    read(update, { firstWord: head + first, into });
    decodeFixedPoint(into, values, divisor);
    into.fill(0);
  };

  const counts = updates.map(readCounts);
  const meanDelta = new Float32Array(layout.size);
  const sampleCounts: number[] = [];
  for (const [group, name] of layout.groups.entries()) {
    const trained = updates.flatMap((update, index) => {
      const sampleCount = counts[index]![group]!;
      return sampleCount > 0 ? [{ update, divisor: meanDivisor(sampleCount, code) }] : [];
    });
    if (trained.length < fewestUpdates(rule)) {
      sampleCounts.push(0);
      continue;
    }
    const tensors = layout.tensors.filter((tensor) => tensor.group === name);
    const { mean } = await robustMean(
      {
        updates: trained.length,
        size: tensors.reduce((sum, { size }) => sum + size, 0),
        read: async (offset, length) =>
          trained.map(({ update, divisor }) => {
            const values = new Float32Array(length);
            for (const { first, from, to } of partsOf(tensors, { offset, length })) {
              readCoordinates(update, { first, values: values.subarray(from, to), divisor });
            }
            return values;
          }),
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

/** Which coordinates of the layout make up those from `offset` on of the tensors laid end to end. */
function partsOf(
  tensors: readonly { readonly offset: number; readonly size: number }[],
  { offset, length }: { readonly offset: number; readonly length: number },
): { readonly first: number; readonly from: number; readonly to: number }[] {
  let start = 0;
  return tensors.flatMap((tensor) => {
    const [from, to] = [Math.max(offset, start), Math.min(offset + length, start + tensor.size)];
    const first = tensor.offset + from - start;
    start += tensor.size;
    return from < to ? [{ first, from: from - offset, to: to - offset }] : [];
  });
}
