/** The whole job on one machine: hospitals, plan, consortium, study, report. */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { formatBytes, formatPlural, formatSeconds } from '@wardround/coordinator/export/format-figure.ts';
import { Report } from '@wardround/coordinator/export/report-schema.ts';
import { planHash, type StudyPlan } from '@wardround/protocols/study/plan.ts';
import { startConsortium } from './consortium.ts';
import type { Display } from './display.ts';
import { defaultHospitals, quickPatientsPerSite } from './hospitals/default-hospitals.ts';
import { writeHospitals } from './hospitals/write-hospitals.ts';
import { demoPlan } from './plans/demo-plan.ts';
import { findSites, planForFolder, type SiteFolder } from './plans/plan-for-folder.ts';
import { createChildren } from './processes/children.ts';
import { progressFromStatus } from './progress-from-status.ts';
import { dataLines, resultsTable } from './results-table.ts';
import type { TimeMemory } from './time-left.ts';
import { lastWords, watchStudy } from './watch-study.ts';
import { makeWorkFolder } from './work-folder.ts';

export interface DemoOptions {
  /** A folder with one subfolder per hospital; null makes synthetic ones. */
  readonly dataDirectory: string | null;
  readonly outDirectory: string;
  readonly quick: boolean;
  /** Under differential privacy. */
  readonly private: boolean;
  /** Leave the hospitals and the state folders of all processes where they are. */
  readonly keep: boolean;
  readonly display: Display;
  readonly signal: AbortSignal;
}

/** Seeds the synthetic hospitals. */
const hospitalsSeed = 1;

/**
 * @throws {DemoError | ChildFailedError} what went wrong, in words; the signal's reason when interrupted.
 */
export async function runDemo({
  dataDirectory,
  outDirectory,
  quick,
  private: isPrivate,
  keep,
  display,
  signal,
}: DemoOptions): Promise<Report> {
  const startedMillis = Date.now();
  const workDirectory = await makeWorkFolder(outDirectory);
  const children = createChildren();
  try {
    const hospitals =
      dataDirectory ?? (await makeHospitals(path.join(workDirectory, 'hospitals'), { quick, display, signal }));
    const { sites, others } = await findSites(hospitals);
    for (const folder of others) display.say(`Left out: the folder "${folder}" has no "ct" folder.`);
    const plan =
      dataDirectory === null
        ? demoPlan({ quick, private: isPrivate, sites: sites.length })
        : await planFor(hospitals, { sites, quick, private: isPrivate, display, signal });
    describePlan(plan, display);

    const consortium = await startConsortium({ children, directory: workDirectory, sites, signal });
    display.say(
      `Started ${formatPlural(sites.length + 1, 'process', 'processes')}: the coordinator (pid ${consortium.coordinator.pid}) and ${consortium.sites.map(({ name, pid }) => `${name} (${pid})`).join(', ')}.`,
    );
    const study = await consortium.launch(plan);
    let memory: TimeMemory = {};
    const watching = watchStudy(consortium, study, {
      signal,
      onStatus(status) {
        const next = progressFromStatus(status, { plan, memory, startedMillis, nowMillis: Date.now() });
        memory = next.memory;
        if (next.progress.phase !== 'over') display.show(next.progress);
      },
      onSiteLost: (site) => display.say(lastWords(`The site ${site.name}`, site)),
    });
    await watching.catch(async (error: unknown) => {
      // What was measured until then is worth having, but must not hide why it ended.
      if (!signal.aborted) await consortium.export(study, outDirectory).catch(() => {});
      throw error;
    });
    display.clear();
    await consortium.export(study, outDirectory);

    const report = Report.parse(JSON.parse(await readFile(path.join(outDirectory, 'report.json'), 'utf8')));
    for (const line of ['', ...resultsTable(report), '', ...dataLines(report), '']) display.say(line);
    const files = ['report.html', 'report.json', ...encoderFiles(plan), 'model-card.md', 'study-plan.json'];
    display.say(`Files in ${path.relative(process.cwd(), outDirectory) || '.'}: ${files.join(', ')}`);
    display.say(`Done in ${formatSeconds((Date.now() - startedMillis) / 1000)}.`);
    return report;
  } finally {
    display.clear();
    await children.stopAll();
    if (keep) display.say(`Kept: hospitals, keys and state of all processes in ${workDirectory}`);
    else await rm(workDirectory, { recursive: true, force: true });
  }
}

function encoderFiles({ stages }: StudyPlan): string[] {
  return stages.map(({ kind }) => (kind === 'alignment' ? 'alignment.safetensors' : 'slice-encoder.safetensors'));
}

async function makeHospitals(
  directory: string,
  { quick, display, signal }: Pick<DemoOptions, 'quick' | 'display' | 'signal'>,
): Promise<string> {
  const started = Date.now();
  const { sites, bytes } = await writeHospitals({
    directory,
    seed: hospitalsSeed,
    sites: defaultHospitals,
    ...(quick ? { patientsPerSite: quickPatientsPerSite } : {}),
    onProgress({ site, patientsDone, patients }) {
      signal.throwIfAborted();
      display.hint(`making ${site}: ${patientsDone} of ${patients} patients`);
    },
  });
  display.clear();
  const patients = sites.reduce((sum, { inventory }) => sum + inventory.patients, 0);
  display.say(
    `Made ${formatPlural(sites.length, 'synthetic hospital')} with ${formatPlural(patients, 'patient')} (${formatBytes(bytes)}) in ${formatSeconds((Date.now() - started) / 1000)}: ${sites.map(({ name }) => name).join(', ')}.`,
  );
  return directory;
}

async function planFor(
  directory: string,
  {
    sites,
    quick,
    private: isPrivate,
    display,
    signal,
  }: Pick<DemoOptions, 'quick' | 'private' | 'display' | 'signal'> & { sites: readonly SiteFolder[] },
): Promise<StudyPlan> {
  display.say(
    'Looking into every table on this machine to write a plan. In a real consortium people agree on the plan first.',
  );
  return planForFolder(sites, {
    name: path.basename(path.resolve(directory)),
    quick,
    private: isPrivate,
    signal,
    onSite: ({ site, patientsWithCt, columns, genes }) =>
      display.say(
        `  ${site}: ${formatPlural(patientsWithCt, 'patient')} with axial CT, ${formatPlural(columns.length, 'clinical column')}, ${genes === null ? 'no expression' : formatPlural(genes.length, 'gene')}`,
      ),
  });
}

function describePlan(plan: StudyPlan, display: Display): void {
  const stages = plan.stages.map(({ name, rounds }) => `${name} (${formatPlural(rounds, 'round')})`).join(', then ');
  const tasks = plan.evaluation.tasks.map(({ name }) => name).join(', ');
  display.say(
    `Plan ${plan.name} ${planHash(plan).slice(0, 12)}: ${stages}; slices of ${plan.imaging.sizePixels} px${plan.protection.privacy === undefined ? '' : ', under differential privacy'}.`,
  );
  display.say(tasks === '' ? 'No label was found to test the encoders on.' : `Tested on held-out patients: ${tasks}.`);
}
