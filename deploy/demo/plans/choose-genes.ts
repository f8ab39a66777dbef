/** The genes of a plan: what the hospitals' expression tables have in common, or all that any has when that is too little. */
import type { SiteSurvey } from './site-survey.ts';

export const maximumGenes = 2000;
const fewestCommonGenes = 50;

/**
 * @returns gene symbols in alphabetical order (by UTF-16 code unit); when there are more than 2,000, those that most
 *   hospitals have. Null when no hospital has expression data.
 */
export function chooseGenes(surveys: readonly SiteSurvey[]): string[] | null {
  const tables = surveys.flatMap(({ genes }) => (genes === null ? [] : [new Set(genes)]));
  if (tables.length === 0) return null;
  const hospitals = new Map<string, number>();
  for (const gene of tables.flatMap((genes) => [...genes])) hospitals.set(gene, (hospitals.get(gene) ?? 0) + 1);
  const common = [...hospitals].filter(([, count]) => count === tables.length);
  const chosen = common.length >= fewestCommonGenes ? common : [...hospitals];
  const byName = ([a]: readonly [string, number], [b]: readonly [string, number]) => (a < b ? -1 : a > b ? 1 : 0);
  const genes = chosen
    .sort((a, b) => b[1] - a[1] || byName(a, b))
    .slice(0, maximumGenes)
    .map(([gene]) => gene)
    .sort();
  return genes.length === 0 ? null : genes;
}
