/**
 * One table look-up per pixel instead of mask, sign, rescale, window and padding one after the other: a table is computed
 * once for a series and holds the grey level (0..255, not rounded) of every possible stored pattern.
 */
import { inWindow } from '@wardround/shared/imaging/intensity-window.ts';
import { allocatedNumber, type PixelFormat } from './pixel-format.ts';
import type { Rescale } from './rescale.ts';

/** How stored numbers become grey. */
export type Display =
  /** Hounsfield units clipped to the study's window. Inversion is ignored: it says how to show HU, not what they are. */
  | { readonly kind: 'hounsfield'; readonly rescale: Rescale; readonly low: number; readonly high: number }
  /** Stored numbers clipped to the series' own range, for images without Hounsfield units. */
  | { readonly kind: 'own-range'; readonly low: number; readonly high: number };

/** The number in a pattern's stored bits (PS3.5, 8.1.1). */
export function storedNumber(pattern: number, { bitsStored, highBit, signed }: PixelFormat): number {
  const left = 31 - highBit;
  const right = 32 - bitsStored;
  return signed ? (pattern << left) >> right : (pattern << left) >>> right;
}

export function isPadding(pattern: number, format: PixelFormat): boolean {
  if (format.padding === null) return false;
  const value = allocatedNumber(pattern, format);
  return value >= format.padding.from && value <= format.padding.to;
}

/** Grey level by stored pattern, [2 ** bitsAllocated]. Padding is black. */
export function greyTable(format: PixelFormat, display: Display): Float32Array {
  const table = new Float32Array(2 ** format.bitsAllocated);
  const { slope, intercept } = display.kind === 'hounsfield' ? display.rescale : { slope: 1, intercept: 0 };
  const invert = display.kind === 'own-range' && format.inverted;
  for (let pattern = 0; pattern < table.length; pattern += 1) {
    if (isPadding(pattern, format)) continue;
    const value = slope * storedNumber(pattern, format) + intercept;
    const level = 255 * inWindow(value, display);
    table[pattern] = invert ? 255 - level : level;
  }
  return table;
}
