/** What `checkUpdate` finds out about a whole vector, of one that comes in pieces. */
import { type CodeWords, codeWordsFromBytes } from '@wardround/shared/bytes/code-words.ts';
import { allWithin, largestCode } from '@wardround/shared/bytes/fixed-point.ts';
import { readSampleCounts, sampleCountWords } from './sample-counts.ts';
import { meanDivisor, type UpdateCode, type UpdateFault, updateVectorBytes } from './update-code.ts';

export interface UpdateCheck {
  /** Null while nothing is wrong with what was seen. */
  fault(): UpdateFault | null;
  /** Looks at the next bytes: whole words, and in the first of them all sample counts. */
  next(piece: Uint8Array): void;
}

/** @param bytes how long the vector is. */
export function createUpdateCheck(code: UpdateCode, bytes: number): UpdateCheck {
  const { layout, clip, maximumSampleCount, codeBits = 32 } = code;
  const head = sampleCountWords(layout.groups.length, codeBits);
  let fault: UpdateFault | null = bytes === updateVectorBytes(layout, codeBits) ? null : 'update-wrong-length';
  /** The largest code of each group. */
  let bounds: readonly number[] | null = null;
  let firstWord = 0;

  const readCounts = (words: CodeWords): UpdateFault | null => {
    const counts = readSampleCounts(words, { groups: layout.groups.length, sites: 1 });
    if (!counts?.every((count) => count >= 0 && count <= maximumSampleCount)) return 'update-sample-count';
    bounds = counts.map((count) => largestCode(clip, meanDivisor(count, code)));
    return counts.every((count) => count === 0) ? 'update-empty' : null;
  };

  return {
    fault: () => fault,
    next(piece) {
      if (fault !== null) return;
      const words = codeWordsFromBytes(piece, codeBits);
      if (bounds === null) fault = readCounts(words);
      for (const { offset, size, group } of layout.tensors) {
        const from = Math.max(0, head + offset - firstWord);
        const to = Math.min(words.length, head + offset + size - firstWord);
        if (fault !== null || from >= to) continue;
        const bound = bounds![layout.groups.indexOf(group)]!;
        if (!allWithin(words.subarray(from, to), bound)) fault = 'update-out-of-range';
      }
      firstWord += words.length;
    },
  };
}
