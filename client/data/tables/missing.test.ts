import { describe, expect, test } from 'vitest';
import { isMissing } from './missing.ts';

describe('isMissing()', () => {
  test.each([
    ...['', '  ', 'NA', 'n/a', 'Not Collected', 'Not collected', 'Unknown', 'Not Recorded In Database', 'Not Assessed'],
    '[Not Available]',
  ])('knows "%s"', (cell) => {
    expect(isMissing(cell)).toBe(true);
  });

  test.each(['0', 'No', 'None', 'Absent', 'Unchecked', 'Nonsmoker', 'North America'])('keeps "%s"', (cell) => {
    expect(isMissing(cell)).toBe(false);
  });

  test('takes a cell that is not there for missing', () => {
    expect(isMissing(undefined)).toBe(true);
  });
});
