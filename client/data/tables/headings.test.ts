import { describe, expect, test } from 'vitest';
import { isDateHeading, isIdentifierHeading, isIdHeading } from './headings.ts';

describe('isIdHeading()', () => {
  test.each([
    'Case ID',
    'patient_id',
    'PatientID',
    'pid',
    'bcr_patient_barcode',
    'ID',
    'MRN',
  ])('knows %s', (heading) => {
    expect(isIdHeading(heading)).toBe(true);
  });
  test.each(['Age', 'Patient affiliation', 'steroid', 'CT Date'])('does not take %s', (heading) => {
    expect(isIdHeading(heading)).toBe(false);
  });
});

describe('isDateHeading()', () => {
  test.each(['CT Date', 'Date of Death', 'date_of_birth', 'BirthDate', 'DOB'])('knows %s', (heading) => {
    expect(isDateHeading(heading)).toBe(true);
  });
  test.each(['Days between CT and surgery', 'updated', 'candidate'])('does not take %s', (heading) => {
    expect(isDateHeading(heading)).toBe(false);
  });
});

describe('isIdentifierHeading()', () => {
  test.each(['Accession No', 'sample_id', 'Phone', 'postcode', 'Surname'])('knows %s', (heading) => {
    expect(isIdentifierHeading(heading)).toBe(true);
  });
  test.each(['steroid', 'thyroid', 'Gender', 'zipper'])('does not take %s', (heading) => {
    expect(isIdentifierHeading(heading)).toBe(false);
  });
});
