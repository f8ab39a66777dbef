/**
 * Chooses what the encoders are tested on, from headings and value counts alone.
 *
 * 1. A label counts at a hospital when each of its two classes has at least `patientsPerClass` patients with CT there.
 * 2. Labels of the table in label-rules.ts that count somewhere come first, the one with the most patients in its rarer
 *    class (summed over the hospitals where it counts) before the others.
 * 3. If fewer than four are found, columns with exactly two values follow by the same measure; their rarer value is the
 *    positive class. Outcomes, dates and identifiers are never labels.
 */
import type { EvaluationTask } from '@wardround/protocols/study/plan.ts';
import { isExcluded } from './excluded-columns.ts';
import { type LabelRule, labelRules, plainText, saysUnknown } from './label-rules.ts';
import type { SiteSurvey } from './site-survey.ts';

export interface TaskLimits {
  readonly patientsPerClass?: number;
  readonly maximumTasks?: number;
}

/** As many as a plan takes. A column with more is free text rather than a label. */
const maximumSpellings = 50;

interface Candidate {
  readonly task: EvaluationTask;
  /** Patients in the rarer class, over the hospitals where the label counts. */
  readonly rarer: number;
}

export function chooseTasks(
  surveys: readonly SiteSurvey[],
  { patientsPerClass = 6, maximumTasks = 4 }: TaskLimits = {},
): EvaluationTask[] {
  const known = labelRules.flatMap((rule) => candidate(rule, surveys, patientsPerClass));
  const headingsTaken = new Set(labelRules.flatMap(({ headings }) => headings));
  const others = twoValuedColumns(surveys)
    .filter(({ headings }) => !headings.some((heading) => headingsTaken.has(heading)))
    .flatMap((rule) => candidate(rule, surveys, patientsPerClass));
  const byRarer = (a: Candidate, b: Candidate) =>
    b.rarer - a.rarer || (a.task.name < b.task.name ? -1 : a.task.name > b.task.name ? 1 : 0);
  return [...known.sort(byRarer), ...others.sort(byRarer)].slice(0, maximumTasks).map(({ task }) => task);
}

function candidate(rule: LabelRule, surveys: readonly SiteSurvey[], patientsPerClass: number): Candidate[] {
  const headings = new Set<string>();
  const positive = new Set<string>();
  const negative = new Set<string>();
  let rarer = 0;
  // The order of headings in the rule decides which column counts when a table has two that fit, as it will in the plan.
  for (const survey of surveys) {
    const column = rule.headings
      .map((heading) => survey.columns.find((candidate) => plainText(candidate.heading) === heading))
      .find((found) => found !== undefined);
    if (column === undefined) continue;
    headings.add(column.heading);
    let positives = 0;
    let negatives = 0;
    for (const [value, count] of column.values) {
      const side = sideOf(value, rule);
      if (side === 'positive') {
        positive.add(value);
        positives += count;
      } else if (side === 'negative') {
        negative.add(value);
        negatives += count;
      }
    }
    const smaller = Math.min(positives, negatives);
    if (smaller >= patientsPerClass) rarer += smaller;
  }
  if (rarer === 0) return [];
  const order = (heading: string) => rule.headings.indexOf(plainText(heading));
  return [
    {
      task: {
        name: rule.name,
        columns: [...headings].sort((a, b) => order(a) - order(b)),
        positive: [...positive].sort().slice(0, maximumSpellings),
        negative: [...negative].sort().slice(0, maximumSpellings),
      },
      rarer,
    },
  ];
}

function sideOf(value: string, { positive, negative }: LabelRule): 'positive' | 'negative' | null {
  if (saysUnknown(value)) return null;
  const text = plainText(value);
  if (positive.includes(text)) return 'positive';
  return negative === 'rest' || negative.includes(text) ? 'negative' : null;
}

/** Columns of any hospital that have exactly two values over all hospitals, as rules of their own. */
function twoValuedColumns(surveys: readonly SiteSurvey[]): LabelRule[] {
  const counts = new Map<string, Map<string, number>>();
  for (const { heading, values } of surveys.flatMap(({ columns }) => columns)) {
    const name = plainText(heading);
    if (name === '' || isExcluded(heading)) continue;
    const known = counts.get(name) ?? new Map<string, number>();
    for (const [value, count] of values) {
      if (!saysUnknown(value)) known.set(plainText(value), (known.get(plainText(value)) ?? 0) + count);
    }
    counts.set(name, known);
  }
  return [...counts].flatMap(([heading, values]) => {
    const [first, second, ...more] = [...values].sort(([, a], [, b]) => a - b);
    if (first === undefined || second === undefined || more.length > 0) return [];
    return [{ name: taskName(heading), headings: [heading], positive: [first[0]], negative: [second[0]] }];
  });
}

function taskName(heading: string): string {
  const name = heading
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'label' : name;
}
