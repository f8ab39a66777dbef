import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { describe, expect, test } from 'vitest';
import { portableDirection } from '../arithmetic/portable-direction.ts';
import { createSliceCanvas } from '../chest/slice-canvas.ts';
import { hillcrest } from '../sites/hillcrest.ts';
import { northgate } from '../sites/northgate.ts';
import { riverside } from '../sites/riverside.ts';
import { drawNoise, scanSlice } from './scanner.ts';

function scanWater(scanner: typeof northgate.scanner) {
  const frame = { columnsMillimetres: 0, rowsMillimetres: 0, turn: portableDirection(0) };
  const canvas = createSliceCanvas({ sizePixels: 128, spacingMillimetres: 2.8, frame });
  const noise = drawNoise(createRandom('noise'), scanner.kernelSpread);
  const options = {
    scanner: { ...scanner, table: 'outside-the-picture' as const },
    noise,
    doseFactor: 1,
    bodyHalfDepth: 100,
  };
  return scanSlice(canvas, createRandom('scan'), options);
}

describe('scanSlice()', () => {
  test.each([northgate, riverside, hillcrest])('gives water the scanner’s offset and noise: $name', ({ scanner }) => {
    const values = scanWater(scanner).filter((value) => value !== scanner.storage.paddingValue);
    const hounsfield = Array.from(values, (value) => value + scanner.storage.rescaleIntercept);
    const mean = hounsfield.reduce((sum, value) => sum + value, 0) / hounsfield.length;
    const deviation = Math.sqrt(hounsfield.reduce((sum, value) => sum + (value - mean) ** 2, 0) / hounsfield.length);
    expect(Math.abs(mean - scanner.offsetHounsfield)).toBeLessThan(0.1 * scanner.noiseHounsfield);
    expect(Math.abs(deviation / scanner.noiseHounsfield - 1)).toBeLessThan(0.05);
  });

  test('marks what lies outside the reconstructed circle, if the scanner does so', () => {
    const padded = scanWater(northgate.scanner);
    expect([padded[0], padded[127], padded[128 * 127]]).toEqual([-2000, -2000, -2000]);
    const outside = padded.filter((value) => value === -2000).length / padded.length;
    expect(Math.abs(outside - (1 - Math.PI / 4))).toBeLessThan(0.02);
    expect(scanWater(riverside.scanner)).not.toContain(-2000);
  });
});
