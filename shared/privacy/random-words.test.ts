import { describe, expect, test } from 'vitest';
import { createRandomWords } from './random-words.ts';
import { seededBytes } from './testing/seeded-bytes.ts';

/** The bytes 1, 2, 3 and so on. */
function counting() {
  let next = 0;
  return (count: number) => Uint8Array.from({ length: count }, () => ++next % 256);
}

describe('createRandomWords()', () => {
  test('takes the bytes in their order', () => {
    const words = createRandomWords(counting(), { pieceBytes: 8 });
    expect(words.word()).toBe(0x01020304);
    expect(words.bits(8)).toBe(0x05);
    expect(words.bits(40)).toBe(0x09 * 2 ** 32 + 0x0d0e0f10);
    expect(words.bits(0)).toBe(0);
    expect(words.belowLarge(1n)).toBe(0n);
    expect(words.belowLarge(1n << 36n)).toBe(0x111213141n);
  });

  test('draws every number below n equally often', () => {
    const words = createRandomWords(seededBytes('below'));
    for (const draw of [() => words.below(6), () => Number(words.belowLarge(6n))]) {
      const counts = new Array<number>(6).fill(0);
      for (let index = 0; index < 60_000; index += 1) counts[draw()]! += 1;
      for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(4 * Math.sqrt(10_000));
    }
    expect(words.below(1)).toBe(0);
    expect(words.below(0x100000000)).toBeLessThan(0x100000000);
  });

  test('refuses empty ranges and sources that run dry', () => {
    const words = createRandomWords(seededBytes('refuse'));
    expect(() => words.below(0)).toThrow(RangeError);
    expect(() => words.belowLarge(0n)).toThrow(RangeError);
    expect(() => createRandomWords(() => new Uint8Array(3)).word()).toThrow('found 3');
  });
});
