import { describe, expect, test } from 'vitest';
import { drawPatientGroups } from './patient-groups.ts';
import { createRandomWords } from './random-words.ts';
import { seededBytes } from './testing/seeded-bytes.ts';

const words = () => createRandomWords(seededBytes('groups'));

describe('drawPatientGroups()', () => {
  test('takes each patient with the rate, at most once, and fills groups alike', () => {
    const groups = drawPatientGroups(words(), { patients: 40_000, samplingRate: 0.25, groups: 5 });
    const all = groups.flat();
    expect(new Set(all).size).toBe(all.length);
    expect(Math.abs(all.length - 10_000)).toBeLessThan(4 * Math.sqrt(40_000 * 0.25 * 0.75));
    for (const group of groups) expect(Math.abs(group.length - 2000)).toBeLessThan(4 * Math.sqrt(2000));
  });

  test('draws of earlier patients the same, whether or not others follow', () => {
    const few = drawPatientGroups(words(), { patients: 99, samplingRate: 0.5, groups: 4 });
    const more = drawPatientGroups(words(), { patients: 100, samplingRate: 0.5, groups: 4 });
    expect(more.map((group) => group.filter((patient) => patient !== 99))).toEqual(few);
  });

  test('takes everybody at rate 1, and may leave all groups empty', () => {
    expect(drawPatientGroups(words(), { patients: 10, samplingRate: 1, groups: 1 })[0]).toHaveLength(10);
    expect(drawPatientGroups(words(), { patients: 10, samplingRate: 1e-12, groups: 3 })).toEqual([[], [], []]);
    expect(drawPatientGroups(words(), { patients: 0, samplingRate: 0.5, groups: 2 })).toEqual([[], []]);
  });

  test('refuses rates and numbers of groups outside their range', () => {
    expect(() => drawPatientGroups(words(), { patients: 1, samplingRate: 0, groups: 1 })).toThrow(RangeError);
    expect(() => drawPatientGroups(words(), { patients: 1, samplingRate: 0.1, groups: 0 })).toThrow(RangeError);
  });
});
