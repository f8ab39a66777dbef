import { expect, test } from 'vitest';
import { portableDirection } from './portable-direction.ts';

test('portableDirection() agrees with Math.cos and Math.sin to twelve digits, over several turns', () => {
  for (let turns = -2; turns <= 2; turns += 1 / 128) {
    const { cosine, sine } = portableDirection(turns);
    expect(Math.abs(cosine - Math.cos(2 * Math.PI * turns))).toBeLessThan(1e-12);
    expect(Math.abs(sine - Math.sin(2 * Math.PI * turns))).toBeLessThan(1e-12);
  }
});
