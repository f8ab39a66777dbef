import { QUARANTINE_REASONS } from '@wardround/client/data/quarantine/reasons.ts';
import { reasonText } from '@wardround/coordinator/export/reason-text.ts';
import { expect, test } from 'vitest';

test('every reason for which a site client sets something aside has a text of its own in the report', () => {
  const shownAsCode = QUARANTINE_REASONS.filter((code) => reasonText(code, 'set-aside') === code.replaceAll('-', ' '));
  expect(shownAsCode).toEqual([]);
});
