import { describe, expect, test } from 'vitest';
import { stepBytes } from './step-bytes.ts';

describe('stepBytes()', () => {
  const secret = new Uint8Array(32).fill(7);
  const first = (of: Uint8Array, step: number) => Buffer.from(stepBytes(of, step)(64)).toString('hex');

  test('gives a step the same bytes again, in whatever portions, and goes on within it', () => {
    const whole = Buffer.from(stepBytes(secret, 3)(100));
    const bytes = stepBytes(secret, 3);
    expect(Buffer.concat([bytes(1), bytes(62), bytes(37)]).equals(whole)).toBe(true);
  });

  test('gives other bytes to another step and from another secret', () => {
    const other = secret.map((byte, index) => (index === 31 ? byte ^ 1 : byte));
    const drawn = [first(secret, 1), first(secret, 2), first(secret, 12), first(other, 1)];
    expect(new Set(drawn).size).toBe(4);
  });

  test('refuses a secret of another length', () => {
    expect(() => stepBytes(secret.subarray(1), 1)).toThrow(RangeError);
  });
});
