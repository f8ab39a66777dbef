import { codeWordsFromBytes } from '@wardround/shared/bytes/code-words.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { createLayout } from '@wardround/shared/tensors/layout.ts';
import { describe, expect, test } from 'vitest';
import { createUpdateCheck } from './check-update.ts';
import { checkUpdate, encodeUpdate } from './update-code.ts';

const tensor = (name: string, size: number, group: string) =>
  ({ name, shape: [size], initialiser: { kind: 'zeros' }, group }) as const;
const layout = createLayout([tensor('a', 30, 'image'), tensor('b', 41, 'clinical'), tensor('c', 22, 'image')]);

describe('createUpdateCheck()', () => {
  test.each([
    16, 32,
  ] as const)('finds in pieces what checkUpdate() finds in the whole, in words of %i bits', (codeBits) => {
    const code = { layout, clip: 0.5, maximumSampleCount: 100, sites: 4, codeBits };
    const found = new Set<string | null>();
    for (let seed = 0; seed < 300; seed += 1) {
      const random = createRandom(`check ${seed}`);
      const delta = Float32Array.from({ length: layout.size }, () => random.normal());
      const sampleCounts = seed % 10 === 0 ? [0, 0] : [random.int(101), random.int(101)];
      const { vector } = encodeUpdate(delta, { ...code, sampleCounts });
      const words = codeWordsFromBytes(vector, codeBits);
      if (seed % 2 === 0) words[random.int(words.length)] = random.int(2 ** (codeBits - 2)) - 2 ** (codeBits - 3);
      const offered = seed % 7 === 0 ? vector.subarray(codeBits / 8) : vector;

      const check = createUpdateCheck(code, offered.length);
      // The first piece has all sample counts: a segment has more room than any plan has groups.
      const head = 2 * 9 * (codeBits / 8);
      for (let from = 0, to = head; from < offered.length; from = to, to += 4 * (1 + random.int(20))) {
        check.next(offered.subarray(from, to));
      }
      const expected = checkUpdate(offered, code);
      expect(check.fault(), `seed ${seed}`).toBe(expected);
      found.add(expected);
    }
    expect(found).toEqual(
      new Set([null, 'update-wrong-length', 'update-sample-count', 'update-empty', 'update-out-of-range']),
    );
  });
});
