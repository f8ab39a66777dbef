import { ReasonCode } from '@wardround/protocols/names.ts';
import { QuarantineCounts } from '@wardround/protocols/session/messages.ts';
import { describe, expect, test } from 'vitest';
import { createQuarantine } from './quarantine.ts';
import { meaningOf, QUARANTINE_REASONS } from './reasons.ts';
import { UnusableError } from './unusable-error.ts';

describe('QUARANTINE_REASONS', () => {
  test('are codes that may travel, each with one sentence of its own', () => {
    for (const reason of QUARANTINE_REASONS) {
      expect(ReasonCode.safeParse(reason).success).toBe(true);
      expect(meaningOf(reason)).toMatch(/^[A-Z].{20,130}\.$/);
    }
    expect(new Set(QUARANTINE_REASONS.map(meaningOf)).size).toBe(QUARANTINE_REASONS.length);
  });
});

describe('createQuarantine()', () => {
  test('counts by reason, in the order of the list, and nothing that did not occur', () => {
    const quarantine = createQuarantine();
    quarantine.add('expression-row-damaged');
    quarantine.add('not-dicom', 2);
    quarantine.add('not-ct', 0);
    quarantine.add('not-dicom');
    expect(Object.entries(quarantine.counts())).toEqual([
      ['not-dicom', 3],
      ['expression-row-damaged', 1],
    ]);
  });

  test('with every reason fits into a message', () => {
    const quarantine = createQuarantine();
    for (const reason of QUARANTINE_REASONS) quarantine.add(reason);
    expect(QuarantineCounts.safeParse(quarantine.counts()).success).toBe(true);
  });
});

describe('UnusableError', () => {
  test('says its reason and the sentence for it', () => {
    const error = new UnusableError('not-dicom');
    expect([error.reason, error.message]).toEqual(['not-dicom', meaningOf('not-dicom')]);
  });
});
