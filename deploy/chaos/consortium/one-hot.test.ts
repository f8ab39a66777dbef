import { int32FromBytes } from '@wardround/shared/bytes/little-endian.ts';
import { describe, expect, test } from 'vitest';
import { oneHotVector, sitesInSum } from './one-hot.ts';

function sumOf(...vectors: readonly Uint8Array[]): Int32Array {
  const [first, ...others] = vectors.map((vector) => int32FromBytes(vector).slice());
  return others.reduce((sum, other) => sum.map((word, index) => word + other[index]!), first!);
}

const round = 40;
const vectorOf = (position: number, ofRound = round) => oneHotVector({ position, of: 5, round: ofRound });

describe('sitesInSum()', () => {
  test('names the sites whose updates were added', () => {
    expect(sitesInSum(sumOf(vectorOf(4), vectorOf(0), vectorOf(3)), { of: 5, round })).toEqual([0, 3, 4]);
  });

  test('refuses what was added twice, comes from another round or has other counts', () => {
    expect(() => sitesInSum(sumOf(vectorOf(1), vectorOf(1)), { of: 5, round })).toThrow('holds 2');
    expect(() => sitesInSum(sumOf(vectorOf(1), vectorOf(1, round - 1)), { of: 5, round })).toThrow('no site has sent');
    const sum = sumOf(vectorOf(1));
    sum[0] = 2;
    expect(() => sitesInSum(sum, { of: 5, round })).toThrow('other samples');
  });
});
