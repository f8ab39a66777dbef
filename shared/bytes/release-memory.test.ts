import { describe, expect, test } from 'vitest';
import { releaseMemory } from './release-memory.ts';

describe('releaseMemory()', () => {
  test('gives back memory that is the bytes’ own', () => {
    const own = new Uint8Array(100);
    releaseMemory(own);
    expect(own.buffer.detached).toBe(true);
    expect(own.length).toBe(0);
  });

  test('leaves memory alone in which others have bytes too', () => {
    const whole = Uint8Array.of(1, 2, 3, 4);
    releaseMemory(whole.subarray(1));
    expect([...whole]).toEqual([1, 2, 3, 4]);
    const part = new Uint8Array(100).subarray(1);
    releaseMemory(part);
    expect(part.length).toBe(99);
    const shared = new Uint8Array(new SharedArrayBuffer(2));
    releaseMemory(shared);
    expect(shared.length).toBe(2);
  });
});
