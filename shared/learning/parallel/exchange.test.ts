import { describe, expect, test } from 'vitest';
import { createBarrierMemory, openBarrier } from './barrier.ts';
import { createExchangeMemory, openExchange } from './exchange.ts';

describe('openExchange()', () => {
  const barrier = openBarrier(createBarrierMemory(), { members: 1, timeoutMillis: 1000 });

  test('gives a copy that the next exchange leaves alone', () => {
    const exchange = openExchange(createExchangeMemory(2), barrier);
    const first = exchange(Float32Array.of(1, 2), { offset: 0, total: 2 });
    exchange(Float32Array.of(3), { offset: 1, total: 2 });
    exchange(Float32Array.of(4), { offset: 0, total: 2 });
    expect(first).toEqual(Float32Array.of(1, 2));
  });

  test('refuses what does not fit', () => {
    const exchange = openExchange(createExchangeMemory(4), barrier);
    expect(() => exchange(new Float32Array(3), { offset: 0, total: 5 })).toThrow(RangeError);
    expect(() => exchange(new Float32Array(3), { offset: 1, total: 3 })).toThrow('there is room for 3');
  });
});
