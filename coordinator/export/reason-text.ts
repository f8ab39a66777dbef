/**
 * Reason codes in plain English, for people who read reports. A code that is not in the list is shown as its own words,
 * so that a newer site's reasons still reach the reader.
 */

/** Why a file, series, row or patient was set aside. Completes "could not be used: ...". */
const quarantine: Readonly<Record<string, string>> = {};

/** Why a site is not in a round or study. Completes "was left out: ...". */
const absence: Readonly<Record<string, string>> = {
  'no-answer': 'it did not answer before the deadline',
  late: 'its update came after the deadline',
};

/** Why a task could not be measured at a site. */
const skipped: Readonly<Record<string, string>> = {
  'too-few-patients': 'fewer held-out patients than the plan allows to report',
  'one-class-only': 'its held-out patients are all of one class',
  'no-label-column': 'its table has no column for this label',
};

const texts: Readonly<Record<string, string>> = { ...quarantine, ...absence, ...skipped };

/** A sentence fragment, without a capital or a full stop. */
export function reasonText(code: string): string {
  return Object.hasOwn(texts, code) ? texts[code]! : code.replaceAll('-', ' ');
}
