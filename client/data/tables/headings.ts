/** What a column's heading tells about what is in it. */

/** Headings are compared without regard to case or surrounding blanks. */
export function sameHeading(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}

const ID_HEADINGS = new Set([
  ...[
    'id',
    'pid',
    'mrn',
    'case',
    'caseid',
    'casesubmitterid',
    'submitterid',
    'patient',
    'patientid',
    'patientidentifier',
  ],
  ...['patientbarcode', 'bcrpatientbarcode', 'patientpseudonym', 'pseudonym', 'subject', 'subjectid', 'participant'],
  ...['participantid', 'identifier', 'studyid', 'sample', 'sampleid', 'dicompatientid'],
]);

/** Whether the column by its name holds the patients' ids. */
export function isIdHeading(heading: string): boolean {
  return ID_HEADINGS.has(heading.toLowerCase().replace(/[^a-z0-9]/g, ''));
}

function words(heading: string): string[] {
  return heading
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}

const DATE_WORDS = new Set(['date', 'datum', 'dob', 'birthdate', 'datetime', 'timestamp']);
const IDENTIFIER_WORDS = new Set([
  ...[
    'id',
    'mrn',
    'uid',
    'uuid',
    'ssn',
    'barcode',
    'accession',
    'phone',
    'email',
    'address',
    'zip',
    'postcode',
    'surname',
  ],
]);

export function isDateHeading(heading: string): boolean {
  return words(heading).some((word) => DATE_WORDS.has(word));
}

export function isIdentifierHeading(heading: string): boolean {
  return isIdHeading(heading) || words(heading).some((word) => IDENTIFIER_WORDS.has(word));
}
