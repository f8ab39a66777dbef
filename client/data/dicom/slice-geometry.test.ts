import { describe, expect, test } from 'vitest';
import type { ElementSource } from './element-values.ts';
import { sliceGeometry } from './slice-geometry.ts';
import { TAGS, type TagName } from './tags.ts';

/** A source whose elements are texts. */
function source(values: Partial<Record<TagName, string>>): ElementSource {
  const entries = Object.entries(values) as [TagName, string][];
  const bytes = Buffer.from(entries.map(([, value]) => value).join(''));
  let dataOffset = 0;
  const elements = entries.map(([name, value]) => {
    const element = { tag: TAGS[name], dataOffset, length: value.length };
    dataOffset += value.length;
    return [TAGS[name], element] as const;
  });
  return { bytes, bigEndian: false, elements: Object.fromEntries(elements) };
}

function geometry(values: Partial<Record<TagName, string>>) {
  const all = source(values);
  return sliceGeometry(all, { position: all, imageType: all });
}

const tilted = (degrees: number) => {
  const radians = (degrees * Math.PI) / 180;
  return `1\\0\\0\\0\\${Math.cos(radians).toFixed(6)}\\${Math.sin(radians).toFixed(6)}`;
};

describe('sliceGeometry()', () => {
  test('places an axial slice along the body axis', () => {
    const found = geometry({ imageOrientation: '1\\0\\0\\0\\1\\0', imagePosition: '-169\\-169\\-185.5' });
    expect(found).toEqual({ view: 'axial', locationMillimetres: -185.5 });
  });

  test('lets positions grow towards the head for a patient who lies the other way', () => {
    const found = geometry({ imageOrientation: '-1\\0\\0\\0\\1\\0', imagePosition: '169\\-169\\40' });
    expect(found).toEqual({ view: 'axial', locationMillimetres: 40 });
  });

  test.each([
    ['18 degrees of gantry tilt', tilted(18), 'axial'],
    ['22 degrees of tilt', tilted(22), 'not-axial'],
    ['a coronal slice', '1.0\\0.0\\0.0\\0.0\\0.0\\-1.0', 'not-axial'],
    ['a sagittal slice', '0\\1\\0\\0\\0\\-1', 'not-axial'],
  ])('tells %s', (_, imageOrientation, view) => {
    expect(geometry({ imageOrientation }).view).toBe(view);
  });

  test.each([
    ['ORIGINAL\\PRIMARY\\AXIAL', 'axial'],
    ['DERIVED\\SECONDARY\\CORONAL', 'not-axial'],
    ['DERIVED\\SECONDARY', 'unknown'],
    ['', 'unknown'],
  ])('goes by image type %s without an orientation', (imageType, view) => {
    expect(geometry({ imageType, imagePosition: '0\\0\\7' })).toEqual({ view, locationMillimetres: 7 });
  });

  test.each([
    ['1\\0\\0\\0\\1'],
    ['a\\b\\c\\d\\e\\f'],
    ['0\\0\\0\\0\\0\\0'],
    ['1\\0\\0\\1\\0\\0'],
    ['1e999\\0\\0\\0\\1\\0'],
  ])('takes the malformed orientation %s for none', (imageOrientation) => {
    expect(geometry({ imageOrientation }).view).toBe('unknown');
  });

  test('has no location without a position', () => {
    expect(geometry({ imageOrientation: '1\\0\\0\\0\\1\\0', imagePosition: '1\\2' }).locationMillimetres).toBeNull();
  });
});
