import { describe, expect, test } from 'vitest';
import { createTokenBucket } from './token-bucket.ts';

describe('createTokenBucket()', () => {
  test('lets a burst through, then the rate, each key for itself', () => {
    let now = 0;
    const bucket = createTokenBucket({ perSecond: 2, burst: 3 }, () => now);
    expect([1, 2, 3].map(() => bucket.take('a'))).toEqual([0, 0, 0]);
    expect(bucket.take('a')).toBe(0.5);
    expect(bucket.take('b')).toBe(0);
    now = 500;
    expect(bucket.take('a')).toBe(0);
    expect(bucket.take('a')).toBe(0.5);
    now = 1_000_000;
    expect([1, 2, 3].map(() => bucket.take('a'))).toEqual([0, 0, 0]);
    expect(bucket.take('a')).toBe(0.5);
  });

  test('gives nothing when the clock jumps back', () => {
    let now = 10_000;
    const bucket = createTokenBucket({ perSecond: 1, burst: 1 }, () => now);
    bucket.take('a');
    now = 0;
    expect(bucket.take('a')).toBe(1);
  });

  test('forgets keys that have been quiet', () => {
    let now = 0;
    const bucket = createTokenBucket({ perSecond: 1, burst: 1 }, () => now);
    for (let i = 0; i < 10_000; i++) bucket.take(`stranger ${i}`);
    now = 1000;
    expect(bucket.take('stranger 1')).toBe(0);
  });
});
