/**
 * Labels that are worth predicting from CT and that many lung tables have, with the headings and spellings they go by.
 * Headings and values are compared as `plainText` makes them: lower case, words separated by one blank.
 */
export interface LabelRule {
  /** The task's name in the plan. */
  readonly name: string;
  readonly headings: readonly string[];
  readonly positive: readonly string[];
  /** `rest`: every other value that is not a way of saying "unknown". */
  readonly negative: readonly string[] | 'rest';
}

export const labelRules: readonly LabelRule[] = [
  {
    name: 'sex',
    headings: ['sex', 'gender', 'patient sex', 'patient gender'],
    positive: ['f', 'female', 'woman'],
    negative: ['m', 'male', 'man'],
  },
  {
    name: 'ever-smoker',
    headings: ['smoking status', 'smoking', 'smoker', 'smoking history', 'tobacco'],
    positive: ['current', 'former', 'ever', 'smoker', 'current smoker', 'former smoker', 'ex smoker', 'yes'],
    negative: ['never', 'nonsmoker', 'non smoker', 'never smoker', 'no'],
  },
  {
    name: 'adenocarcinoma',
    headings: ['histology', 'histological type', 'histology type', 'tumor histology', 'tumour histology'],
    positive: ['adenocarcinoma', 'adeno', 'lung adenocarcinoma', 'luad'],
    negative: 'rest',
  },
  {
    name: 'egfr-mutant',
    headings: ['egfr mutation status', 'egfr status', 'egfr mutation', 'egfr'],
    positive: ['mutant', 'mutated', 'positive', 'mut', 'yes'],
    negative: ['wildtype', 'wild type', 'negative', 'wt', 'no'],
  },
  {
    name: 'kras-mutant',
    headings: ['kras mutation status', 'kras status', 'kras mutation', 'kras'],
    positive: ['mutant', 'mutated', 'positive', 'mut', 'yes'],
    negative: ['wildtype', 'wild type', 'negative', 'wt', 'no'],
  },
  {
    name: 'pleural-invasion',
    headings: ['pleural invasion elastic visceral or parietal', 'pleural invasion', 'visceral pleural invasion'],
    positive: ['yes', 'present', 'positive'],
    negative: ['no', 'absent', 'negative'],
  },
];

const unknown = new Set([
  ...['', 'na', 'n a', 'nan', 'null', 'none', 'unknown', 'missing', 'not available', 'not applicable', 'not assessed'],
  ...['not collected', 'not recorded', 'not recorded in database', 'not reported', 'not evaluated', 'indeterminate'],
]);

/** Lower case, letters and digits only, words separated by one blank. */
export function plainText(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number}]+/gu, ' ')
    .trim();
}

/** Whether a cell is one of the usual ways of saying that there is no value. */
export function saysUnknown(value: string): boolean {
  return unknown.has(plainText(value));
}
