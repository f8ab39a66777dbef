import { describe, expect, test } from 'vitest';
import { createQuarantine } from '../quarantine/quarantine.ts';
import { candidateKeys, linkImages } from './link-images.ts';
import { surveyedImage } from './test-support/surveyed-image.ts';

const keyOf = (name: string) => (name === '' ? null : name.toLowerCase());

function link(images: Parameters<typeof linkImages>[0], tables: string[]) {
  const quarantine = createQuarantine();
  const { images: linked, linkedBy } = linkImages(images, { keyOf, tables: new Set(tables), quarantine });
  const patients = Object.fromEntries([...linked].map(([key, own]) => [key, own.map(({ file }) => file.relativePath)]));
  return { patients, linkedBy, counts: quarantine.counts() };
}

const images = [
  surveyedImage({ path: 'R01-1/1', patient: 'x' }),
  surveyedImage({ path: 'R01-1/2', patient: 'x' }),
  surveyedImage({ path: 'R01-2/1', patient: 'y' }),
];

describe('linkImages()', () => {
  test('goes by the DICOM patient id', () => {
    expect(link(images, ['x', 'y'])).toEqual({
      patients: { x: ['R01-1/1', 'R01-1/2'], y: ['R01-2/1'] },
      linkedBy: 'patient-id',
      counts: {},
    });
  });

  test('goes by the folder where that matches more patients of the tables', () => {
    const found = link(images, ['r01-1', 'r01-2', 'x']);
    expect(found.linkedBy).toBe('folder');
    expect(found.patients).toEqual({ 'r01-1': ['R01-1/1', 'R01-1/2'], 'r01-2': ['R01-2/1'] });
  });

  test('goes by the DICOM patient id without tables', () => {
    expect(link(images, []).linkedBy).toBe('patient-id');
  });

  test('takes the folder for an image without id, and counts images with neither', () => {
    const found = link(
      [surveyedImage({ path: 'R01-1/1', patient: null }), surveyedImage({ path: '1', patient: null })],
      [],
    );
    expect(found.patients).toEqual({ 'r01-1': ['R01-1/1'] });
    expect(found.counts).toEqual({ 'patient-id-missing': 1 });
  });
});

describe('candidateKeys()', () => {
  test('gives ids and folders', () => {
    expect(candidateKeys(images, keyOf)).toEqual(new Set(['x', 'y', 'r01-1', 'r01-2']));
  });
});
