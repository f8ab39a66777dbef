/** Columns that must not be an input or a label: what happened later, when things happened, and who somebody is. */
import { plainText } from './label-rules.ts';
import type { SiteSurvey } from './site-survey.ts';

const outcomes =
  /\b(surviv\w*|death|dead|died|deceased|vital|alive|recur\w*|relaps\w*|progress\w*|metasta\w*|outcome|follow up|followup|censor\w*|event)\b/;
const dates = /\b(date|dates|datetime|timestamp|time to|days|quit smoking year)\b/;
const identifiers = /\b(id|identifier|mrn|accession|name|affiliation|hospital|institution|centre|center|site)\b/;

export function isExcluded(heading: string): boolean {
  const text = plainText(heading);
  return outcomes.test(text) || dates.test(text) || identifiers.test(text);
}

/** The headings of all sites that are excluded, each spelling once. */
export function excludedColumns(surveys: readonly SiteSurvey[]): string[] {
  return [
    ...new Set(surveys.flatMap(({ columns }) => columns.map(({ heading }) => heading)).filter(isExcluded)),
  ].sort();
}
