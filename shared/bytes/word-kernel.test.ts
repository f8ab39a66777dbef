import { beforeEach, describe, expect, test } from 'vitest';
import { KERNEL_BYTES, type WordKernel, wordKernel } from './word-kernel.ts';

type Words = Int32Array | Int16Array;

const kernel = wordKernel();

/** Both halves full of words of which many wrap around, among them the smallest and the largest that there are. */
beforeEach(() => {
  const words = new Int32Array(kernel.into.buffer);
  for (let i = 0; i < words.length; i += 1) words[i] = Math.imul(i + 1, 0x9e37_79b1);
  words.set([0x7fff_ffff, -0x8000_0000, -1, 0, 0x7fff_8000], KERNEL_BYTES / 4);
});

describe('wordKernel()', () => {
  const unsigned = { 32: (value: number) => value >>> 0, 16: (value: number) => value & 0xffff };
  const cases: [keyof Omit<WordKernel, 'into' | 'terms'>, 16 | 32, (into: number, term: number) => number][] = [
    ['add32', 32, (into, term) => into + term],
    ['sub32', 32, (into, term) => into - term],
    ['add16', 16, (into, term) => into + term],
    ['sub16', 16, (into, term) => into - term],
    ['largest32', 32, (into, term) => Math.max(unsigned[32](into), Math.abs(term))],
    ['largest16', 16, (into, term) => Math.max(unsigned[16](into), Math.abs(term))],
  ];

  test.each(cases)('does what going word by word does: %s', (operation, bits, plainly) => {
    const [into, terms] = [kernel.into, kernel.terms].map((half): Words => {
      const { buffer } = half.slice();
      return bits === 32 ? new Int32Array(buffer) : new Int16Array(buffer);
    }) as [Words, Words];
    const expected = into.slice();
    for (let i = 0; i < into.length; i += 1) expected[i] = plainly(into[i]!, terms[i]!);
    kernel[operation](KERNEL_BYTES);
    expect(Buffer.compare(kernel.into, new Uint8Array(expected.buffer))).toBe(0);
    expect(Buffer.compare(kernel.terms, new Uint8Array(terms.buffer))).toBe(0);
  });

  test('leaves what lies behind the bytes that it was asked for, rounded up to 64', () => {
    const before = kernel.into.slice();
    kernel.add32(100);
    expect(Buffer.compare(kernel.into.subarray(128), before.subarray(128))).toBe(0);
    expect(Buffer.compare(kernel.into.subarray(0, 128), before.subarray(0, 128))).not.toBe(0);
  });
});
