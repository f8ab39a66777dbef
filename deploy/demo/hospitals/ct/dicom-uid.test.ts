import { describe, expect, test } from 'vitest';
import { seededUid } from './dicom-uid.ts';

describe('seededUid()', () => {
  test('is a UUID-derived identifier: 2.25 and a version 8 UUID as a whole number, at most 64 characters', () => {
    for (let part = 0; part < 200; part += 1) {
      const uid = seededUid(7, 'P', part);
      expect(uid).toMatch(/^2\.25\.[1-9][0-9]{0,38}$/);
      const uuid = BigInt(uid.slice(5)).toString(16).padStart(32, '0');
      expect(uuid).toMatch(/^.{12}8.{3}[89ab].{15}$/);
    }
  });

  test('follows from its parts and tells them apart', () => {
    expect(seededUid(7, 'P', 1)).toBe(seededUid(7, 'P', 1));
    expect(seededUid(7, 'P', 1)).not.toBe(seededUid(7, 'P1'));
    expect(seededUid(7, 'P', 1)).not.toBe(seededUid(8, 'P', 1));
  });
});
