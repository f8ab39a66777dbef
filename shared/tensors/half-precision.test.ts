import { describe, expect, test } from 'vitest';
import { float32FromBrainFloats, float32FromHalves } from './half-precision.ts';

describe('float32FromHalves()', () => {
  test.each([
    [0x0000, 0],
    [0x8000, -0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x7bff, 65504],
    [0x0400, 2 ** -14],
    [0x03ff, 1023 * 2 ** -24],
    [0x8001, -(2 ** -24)],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
    [0x7e01, Number.NaN],
  ])('reads the bits %i as %d', (bits, value) => {
    expect(float32FromHalves(Uint16Array.of(bits))[0]).toBe(value);
  });
});

describe('float32FromBrainFloats()', () => {
  test.each([
    [0x0000, 0],
    [0x3f80, 1],
    [0xbf80, -1],
    [0x4049, 3.140625],
    [0x0001, 2 ** -133],
    [0xff80, Number.NEGATIVE_INFINITY],
  ])('reads the bits %i as %d', (bits, value) => {
    expect(float32FromBrainFloats(Uint16Array.of(bits))[0]).toBe(value);
  });
});
