import { describe, expect, test } from 'vitest';
import { keyedHash, linkageKey, patientKey } from './keyed-hash.ts';

describe('patientKey()', () => {
  test('takes one id in any spelling for the same', () => {
    const keys = ['R01-005', ' r01-005 ', 'R01-005\t'].map((id) => patientKey(id, 'key'));
    expect(new Set(keys).size).toBe(1);
    expect(patientKey('Mu\u0308ller-1', 'key')).toBe(patientKey('M\u00fcller-1', 'key'));
  });

  test('differs between ids, keys and kinds', () => {
    const keys = [
      patientKey('R01-005', 'key'),
      patientKey('R01-006', 'key'),
      patientKey('R01-005', 'other'),
      keyedHash('r01-005', { key: 'key', kind: 'series' }),
    ];
    expect(new Set(keys).size).toBe(4);
  });

  test('stays the same from version to version, because the split follows from it', () => {
    expect(patientKey('R01-005', linkageKey(7))).toBe('F0qLxLMe-9CKq_3tYgEmH8');
  });
});
