import { encodeUpdate } from '@wardround/protocols/transfer/update-code.ts';
import { ROBUST_RULES } from '@wardround/shared/aggregation/robust/robust-rule.ts';
import type { CodeWords } from '@wardround/shared/bytes/code-words.ts';
import { int32FromBytes } from '@wardround/shared/bytes/little-endian.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { createLayout } from '@wardround/shared/tensors/layout.ts';
import { describe, expect, test } from 'vitest';
import { robustAggregate } from './robust-aggregate.ts';

// Groups take turns, so that each lies in pieces.
const tensor = (name: string, size: number, group: string) =>
  ({ name, shape: [size], initialiser: { kind: 'zeros' }, group }) as const;
const layout = createLayout([
  tensor('a', 7, 'image'),
  tensor('b', 3, 'clinical'),
  tensor('c', 5, 'image'),
  tensor('d', 4, 'clinical'),
]);
const code = { layout, clip: 1, maximumSampleCount: 1000, sites: 9 };

interface Site {
  readonly delta: readonly number[];
  readonly sampleCounts: readonly number[];
}

const read = (site: Site, { firstWord, into }: { firstWord: number; into: CodeWords }): void => {
  const { vector } = encodeUpdate(Float32Array.from(site.delta), { ...code, sampleCounts: site.sampleCounts });
  into.set(int32FromBytes(vector).subarray(firstWord, firstWord + into.length));
};

function honest(count: number): Site[] {
  const random = createRandom('robust aggregate');
  return Array.from({ length: count }, (_, site) => ({
    delta: Array.from({ length: layout.size }, (_, i) => 0.01 * (i + 1) + 0.001 * (random.next() - 0.5)),
    // However many samples a site claims, it counts once.
    sampleCounts: [site === 0 ? 1000 : 10, 20],
  }));
}

describe('robustAggregate()', () => {
  test.each(ROBUST_RULES)('%s keeps to the honest updates, in every group', async (kind) => {
    const faulty: Site = { delta: new Array(layout.size).fill(-1), sampleCounts: [1000, 1000] };
    const updates = [...honest(7), faulty, faulty];
    const { meanDelta, sampleCounts } = await robustAggregate(updates, { code, rule: { kind, faulty: 2 }, read });
    for (const [i, value] of meanDelta.entries()) expect(Math.abs(value - 0.01 * (i + 1))).toBeLessThan(0.001);
    expect(sampleCounts).toEqual([1000 + 60 + 2000, 140 + 2000]);
  });

  test.each(ROBUST_RULES)('%s gives the same bits however little is held at a time', async (kind) => {
    const rule = { kind, faulty: 1 } as const;
    const whole = await robustAggregate(honest(9), { code, rule, read });
    for (const mostCoordinates of [1, 20, 45]) {
      expect(await robustAggregate(honest(9), { code, rule, read, mostCoordinates })).toEqual(whole);
    }
  });

  test('leaves a group as it was that too few sites trained', async () => {
    const updates = honest(7).map((site, i) => (i < 4 ? { ...site, sampleCounts: [10, 0] } : site));
    const { meanDelta, sampleCounts } = await robustAggregate(updates, {
      code,
      rule: { kind: 'median', faulty: 2 },
      read,
    });
    expect(sampleCounts[1]).toBe(0);
    expect([...meanDelta.subarray(7, 10), ...meanDelta.subarray(15)]).toEqual(new Array(7).fill(0));
    expect(meanDelta[0]).not.toBe(0);
  });

  test('reads an update piece by piece and clears what it read', async () => {
    const pieces: CodeWords[] = [];
    await robustAggregate(honest(5), {
      code,
      rule: { kind: 'krum', faulty: 1 },
      read(site, range) {
        read(site, range);
        pieces.push(range.into);
      },
      mostCoordinates: 10,
    });
    expect(pieces.length).toBeGreaterThan(5 * 2 * 2 * 6);
    expect(pieces.every((words) => words.length <= 2)).toBe(true);
    expect(pieces.slice(5).every((words) => words.every((word) => word === 0))).toBe(true);
  });
});
