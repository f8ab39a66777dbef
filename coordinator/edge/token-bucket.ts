/** Rate limits: each key may take `burst` tokens at once and gets `perSecond` new ones a second. */
export interface TokenBucket {
  /** 0 when the key may go on, else the seconds after which it may. */
  take(key: string): number;
}

/** How many keys are remembered before the full buckets among them are forgotten. */
const sweepAt = 10_000;

export function createTokenBucket(
  rate: { readonly perSecond: number; readonly burst: number },
  now: () => number,
): TokenBucket {
  const buckets = new Map<string, { tokens: number; atMillis: number }>();
  const refill = (bucket: { tokens: number; atMillis: number }, nowMillis: number): void => {
    const gained = (Math.max(0, nowMillis - bucket.atMillis) / 1000) * rate.perSecond;
    bucket.tokens = Math.min(rate.burst, bucket.tokens + gained);
    bucket.atMillis = nowMillis;
  };

  return {
    take(key) {
      const nowMillis = now();
      if (buckets.size >= sweepAt) {
        for (const [other, bucket] of buckets) {
          refill(bucket, nowMillis);
          if (bucket.tokens === rate.burst) buckets.delete(other);
        }
      }
      const bucket = buckets.get(key) ?? { tokens: rate.burst, atMillis: nowMillis };
      buckets.set(key, bucket);
      refill(bucket, nowMillis);
      if (bucket.tokens < 1) return (1 - bucket.tokens) / rate.perSecond;
      bucket.tokens -= 1;
      return 0;
    },
  };
}
