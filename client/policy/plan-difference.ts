/** What a new plan changes in one that this site has approved, in plain words. Nothing that differs is left out. */
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { printable } from './printable.ts';

/** Beginnings of paths in a plan and what people call them; the longest that fits is used. */
const MEANINGS: Readonly<Record<string, string>> = {
  name: 'The study’s name',
  description: 'The description',
  seed: 'The seed of splits and batches',
  'imaging.sizePixels': 'The size of slices, in pixels',
  'imaging.windowHounsfield.low': 'The lower end of the CT window, in HU',
  'imaging.windowHounsfield.high': 'The upper end of the CT window, in HU',
  'imaging.maximumSlicesPerPatient': 'The most slices read of a patient',
  'clinical.fields': 'The clinical fields that are read',
  'clinical.excludeColumns': 'The clinical columns that are never input',
  'expression.genes': 'The genes that are read',
  expression: 'Gene expression',
  'encoders.slice.architecture': 'The slice encoder',
  encoders: 'The encoders',
  stages: 'Training',
  'evaluation.heldOutFraction': 'The share of patients kept out of training',
  'evaluation.tasks': 'The labels read for evaluation',
  'evaluation.minimumPatients': 'The fewest patients behind a reported score',
  'evaluation.trainAlone': 'Whether the site also trains alone for comparison',
  evaluation: 'The evaluation',
  'participation.quorum': 'The fewest sites in a round',
  participation: 'The deadlines, and the rounds that may be skipped',
  'protection.mode': 'How updates are protected',
  'protection.clip': 'The most a trained number may change in a round',
  'protection.maximumSampleCount': 'The most samples that count',
  'protection.robust': 'What takes the place of the mean',
  'protection.updateNormLimit': 'The longest update that a site sends',
  'protection.gate': 'When a round is undone',
  'protection.privacy': 'Differential privacy',
  'protection.centralPrivacy': 'Differential privacy of the sum',
  'protection.codeBits': 'The bits of each number that is sent',
  protection: 'The protection of updates',
};

const MOST_NAMES_SHOWN = 6;
const LONGEST_VALUE = 120;

type Path = readonly string[];

/** One line for each thing that differs; an empty list when the plans say the same. */
export function planDifference(approved: StudyPlan, next: StudyPlan): string[] {
  return compare(approved, next, []);
}

function compare(before: unknown, after: unknown, path: Path): string[] {
  if (isGroup(before) && isGroup(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => compare(before[name], after[name], [...path, name]));
  }
  if (Array.isArray(before) && Array.isArray(after)) return compareLists(before, after, path);
  if (isGroup(after) && before === undefined) return [`${meaning(path)}: new, ${show(after)}.`];
  if (isGroup(before) && after === undefined) return [`${meaning(path)}: no longer there, was ${show(before)}.`];
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  return [`${meaning(path)}: ${show(after)}, was ${show(before)}.`];
}

/** Named entries (stages, fields, tasks) are compared by name, other lists by what is in them and then by order. */
function compareLists(before: readonly unknown[], after: readonly unknown[], path: Path): string[] {
  const entries = [...before, ...after];
  if (entries.every((entry) => isGroup(entry) && typeof entry['name'] === 'string')) {
    const byName = (list: readonly unknown[]) =>
      Object.fromEntries(list.map((entry) => [String(nameOf(entry)), entry]));
    const lines = compare(byName(before), byName(after), path);
    const order = (list: readonly unknown[]) => JSON.stringify(list.map(nameOf));
    return lines.length > 0 || order(before) === order(after) ? lines : [`${meaning(path)}: in another order.`];
  }
  const keys = (list: readonly unknown[]) => new Set(list.map((entry) => JSON.stringify(entry)));
  const added = after.filter((entry) => !keys(before).has(JSON.stringify(entry)));
  const removed = before.filter((entry) => !keys(after).has(JSON.stringify(entry)));
  const parts = [
    ...(added.length === 0 ? [] : [`${added.length} added (${list(added)})`]),
    ...(removed.length === 0 ? [] : [`${removed.length} removed (${list(removed)})`]),
  ];
  if (parts.length > 0) return [`${meaning(path)}: ${parts.join(', ')}.`];
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [`${meaning(path)}: in another order.`];
}

function meaning(path: Path): string {
  for (let length = path.length; length > 0; length -= 1) {
    const known = path.slice(0, length).join('.');
    if (!Object.hasOwn(MEANINGS, known)) continue;
    const rest = path.slice(length).map(printable).join(', ');
    return rest === '' ? MEANINGS[known]! : `${MEANINGS[known]} (${rest})`;
  }
  return path.map(printable).join('.');
}

function list(entries: readonly unknown[]): string {
  const shown = entries.slice(0, MOST_NAMES_SHOWN).map(show).join(', ');
  return entries.length > MOST_NAMES_SHOWN ? `${shown} and ${entries.length - MOST_NAMES_SHOWN} more` : shown;
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = printable(typeof value === 'string' ? value : JSON.stringify(value));
  if (text === '') return 'empty';
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)} …` : text;
}

function nameOf(entry: unknown): unknown {
  return (entry as { name?: unknown }).name;
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
