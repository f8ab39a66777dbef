import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { describe, expect, test } from 'vitest';
import { drawTissueTextures, levelExceededBy, placeTexture, sampleTexture } from './tissue-textures.ts';

const textures = drawTissueTextures(createRandom(1));

describe('levelExceededBy()', () => {
  test.each([0.1, 0.4, 0.8])('is exceeded by %s of any large slice', (share) => {
    const random = createRandom('places');
    const level = levelExceededBy(textures.clouds, share);
    const placement = placeTexture(random, 12);
    let above = 0;
    for (let point = 0; point < 20_000; point += 1) {
      const value = sampleTexture(textures.clouds, placement, 5000 * random.next(), 5000 * random.next());
      if (value > level) above += 1;
    }
    expect(Math.abs(above / 20_000 - share)).toBeLessThan(0.02);
  });
});

describe('sampleTexture()', () => {
  test('repeats without a seam', () => {
    const placement = { left: 0, back: 0, turn: { cosine: 1, sine: 0 }, texelsPerMillimetre: 1 };
    const at = (left: number, back: number) => sampleTexture(textures.network, placement, left, back);
    expect(at(3.25, 7.5)).toBe(at(3.25 + 256, 7.5 - 512));
    expect(Math.abs(at(255.999, 40) - at(256.001, 40))).toBeLessThan(0.01);
  });
});
