import { expect, test } from 'vitest';
import { createMaskKernel, KERNEL_BYTES } from './mask-kernel.ts';

const SIGNS = { add: 1, sub: -1 } as const;

/** Both halves full of words of which many wrap around. */
function filled() {
  const kernel = createMaskKernel();
  const words = new Int32Array(kernel.vector.buffer);
  for (let i = 0; i < words.length; i += 1) words[i] = Math.imul(i + 1, 0x9e37_79b1);
  return kernel;
}

test.each([
  ['add', 32],
  ['sub', 32],
  ['add', 16],
  ['sub', 16],
] as const)('createMaskKernel() does what adding word by word does: %s, %i bits', (operation, bits) => {
  const Words = bits === 32 ? Int32Array : Int16Array;
  const kernel = filled();
  const [vector, mask] = [kernel.vector, kernel.mask].map((half) => new Words(half.slice().buffer)) as [
    Int32Array,
    Int32Array,
  ];
  const expected = new Words(vector.length).map((_, i) => vector[i]! + SIGNS[operation] * mask[i]!);
  kernel[`${operation}${bits}`](KERNEL_BYTES);
  expect(Buffer.compare(kernel.vector, new Uint8Array(expected.buffer))).toBe(0);
  expect(Buffer.compare(kernel.mask, new Uint8Array(mask.buffer))).toBe(0);
});

test('createMaskKernel() leaves what is more than 64 bytes further than it was asked for', () => {
  const kernel = filled();
  const before = kernel.vector.slice();
  kernel.add32(100);
  expect(Buffer.compare(kernel.vector.subarray(128), before.subarray(128))).toBe(0);
  expect(Buffer.compare(kernel.vector.subarray(0, 128), before.subarray(0, 128))).not.toBe(0);
});
