import { describe, expect, test } from 'vitest';
import { type ImageHeader, readImageHeader } from './image-header.ts';
import { parseHeader } from './parse-header.ts';
import { type CtSlice, ctSlice } from './test-support/ct-slice.ts';
import type { DicomElement } from './test-support/write-dicom.ts';

function header(slice: CtSlice): ImageHeader {
  const parsed = parseHeader(ctSlice(slice), { complete: true });
  if (parsed === 'more') throw new TypeError('a whole file cannot need more');
  return readImageHeader(parsed, { key: 'test' });
}

const text = (tag: string, value: string): Record<string, DicomElement> => ({ [tag]: { tag, vr: 'DS', value } });

describe('hounsfieldRescale()', () => {
  test('reads slope and intercept, also written with leading zeros and exponents', () => {
    const change = { ...text('00281052', '-01.024000E+03'), ...text('00281053', '001.000244') };
    expect(header({ change }).frames[0]!.rescale).toEqual({ slope: 1.000244, intercept: -1024 });
  });

  test('takes 8-bit numbers for Hounsfield units when their rescale reaches air', () => {
    const change = { ...text('00281052', '-4047'), ...text('00281053', '32.1216') };
    expect(header({ pixels: new Uint8Array(32 * 32), change }).frames[0]!.rescale).not.toBeNull();
  });

  test.each<[string, CtSlice]>([
    ['no rescale', { change: { '00281052': null } }],
    ['another rescale type', { change: { '00281054': { tag: '00281054', vr: 'LO', value: 'US' } } }],
    ['8-bit pixels from 0', { pixels: new Uint8Array(32 * 32), change: text('00281052', '0') }],
    ['a slope of 0', { change: text('00281053', '0') }],
    ['a slope that is no number', { change: text('00281053', '1,0') }],
  ])('finds no Hounsfield units with %s', (_, slice) => {
    expect(header(slice).frames[0]!.rescale).toBeNull();
  });
});
