/**
 * A plan for a folder of hospitals on this machine. It looks into every site's tables, as nobody can in a real consortium,
 * where people agree on a plan first: see site-survey.ts.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { DemoError } from '../demo-error.ts';
import { folderPlan } from './folder-plan.ts';
import type { SiteSurvey } from './site-survey.ts';
import { surveySite } from './survey-site.ts';

export interface SiteFolder {
  /** A name that the protocol allows, made from the folder's. */
  readonly site: string;
  readonly directory: string;
}

/**
 * The sites of a folder: its subfolders that hold `ct`, by name.
 *
 * @throws {DemoError} when none of its subfolders is a site, or two folders' names differ only in letters that a site's
 *   name cannot hold.
 */
export async function findSites(directory: string): Promise<{ sites: SiteFolder[]; others: string[] }> {
  const entries = (await readdir(directory)).filter((entry) => !entry.startsWith('.')).sort();
  const sites: SiteFolder[] = [];
  const others: string[] = [];
  for (const entry of entries) {
    const folder = path.join(directory, entry);
    if (!(await stat(folder)).isDirectory()) continue;
    if (!(await readdir(folder)).some((name) => name.toLowerCase() === 'ct')) {
      others.push(entry);
      continue;
    }
    const site = siteName(entry);
    if (sites.some((known) => known.site === site)) {
      throw new DemoError(`Cannot tell two hospitals apart: two folders would both be called "${site}". Rename one`);
    }
    sites.push({ site, directory: folder });
  }
  if (sites.length === 0) {
    throw new DemoError(
      `Cannot find a hospital: a folder with one subfolder per site is needed, each with its images below "ct"; found ${others.length} subfolders without one`,
    );
  }
  return { sites, others };
}

/** The plan for the sites of a folder, and what was counted to write it. */
export async function planForFolder(
  sites: readonly SiteFolder[],
  {
    name,
    quick,
    private: isPrivate,
    signal,
    onSite,
  }: {
    name: string;
    quick: boolean;
    private: boolean;
    signal?: AbortSignal;
    onSite?: (survey: SiteSurvey) => void;
  },
): Promise<StudyPlan> {
  const surveys: SiteSurvey[] = [];
  for (const { site, directory } of sites) {
    const survey = await surveySite(directory, { site, ...(signal === undefined ? {} : { signal }) });
    onSite?.(survey);
    surveys.push(survey);
  }
  return folderPlan(surveys, { name: siteName(name), quick, private: isPrivate });
}

function siteName(folder: string): string {
  const name = folder
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  return name === '' ? 'site' : name;
}
