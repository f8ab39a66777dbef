/** The linear step from stored values to Hounsfield units, when there is one. */
import { decimalValue, type ElementSource, textValue } from './element-values.ts';
import type { PixelFormat } from './pixel-format.ts';

export interface Rescale {
  readonly slope: number;
  readonly intercept: number;
}

/** Air is -1000 HU; a scale that does not come near it is not Hounsfield's, whatever the file says. */
const AIR_WITHIN_REACH_HOUNSFIELD = -900;

/**
 * The rescale of an image in Hounsfield units, or null: no rescale, another rescale type, or numbers that cannot be
 * Hounsfield (unsigned pixels with intercept 0, as converted 8-bit pictures have).
 */
export function hounsfieldRescale(source: ElementSource, format: PixelFormat): Rescale | null {
  const slope = decimalValue(source, 'rescaleSlope');
  const intercept = decimalValue(source, 'rescaleIntercept');
  // HU is implied when a CT image does not name the type (PS3.3 C.11.1.1.2).
  const type = textValue(source, 'rescaleType')?.toUpperCase() ?? 'HU';
  if (slope === null || intercept === null || slope <= 0 || type !== 'HU') return null;
  const lowestStored = format.signed ? -(2 ** (format.bitsStored - 1)) : 0;
  return slope * lowestStored + intercept <= AIR_WITHIN_REACH_HOUNSFIELD ? { slope, intercept } : null;
}
