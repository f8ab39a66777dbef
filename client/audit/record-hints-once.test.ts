import type { EgressEntry } from '@wardround/protocols/audit/egress-record.ts';
import { describe, expect, test } from 'vitest';
import { recordHintsOnce } from './record-hints-once.ts';

const hash = 'a'.repeat(64);
const hint: EgressEntry = {
  purpose: 'progress',
  what: 'progress-hints',
  bytes: 10,
  sha256: hash,
  destination: hash,
  study: hash,
  stage: 'slices',
  round: 1,
  epsilon: null,
};

describe('recordHintsOnce()', () => {
  test('records the first hint of each piece of work, and everything else every time', async () => {
    const recorded: string[] = [];
    const record = recordHintsOnce(async ({ what, round }) => {
      recorded.push(`${what} ${round}`);
    });
    for (const round of [1, 1, 2, 2]) await record({ ...hint, round });
    for (let attempt = 0; attempt < 2; attempt++) await record({ ...hint, what: 'sealed-update' });
    await record({ ...hint, round: 2 });
    expect(recorded).toEqual(['progress-hints 1', 'progress-hints 2', 'sealed-update 1', 'sealed-update 1']);
  });

  test('lets no hint pass while its record is not written', async () => {
    let works = false;
    const record = recordHintsOnce(async () => {
      if (!works) throw new Error('full');
    });
    await expect(record(hint)).rejects.toThrow('full');
    await expect(record(hint)).rejects.toThrow('full');
    works = true;
    await record(hint);
  });
});
