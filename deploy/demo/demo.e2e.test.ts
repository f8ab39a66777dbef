/**
 * The whole job with real processes and sockets, small enough for the ordinary test run: hospitals of sixteen patients, 32 px,
 * a few steps. What it proves is that everything fits together and survives, not that anything is learned.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readAudit } from '@wardround/client/audit/read-audit.ts';
import { runCommandLine } from '@wardround/coordinator/cli/run-command-line.ts';
import { Report } from '@wardround/coordinator/export/report-schema.ts';
import type { StudyStatus } from '@wardround/coordinator/rounds/study-status.ts';
import { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { decodeSafetensors } from '@wardround/shared/tensors/safetensors.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Consortium, startConsortium } from './consortium.ts';
import { writeHospitals } from './hospitals/write-hospitals.ts';
import { demoPlan } from './plans/demo-plan.ts';
import { findSites, type SiteFolder } from './plans/plan-for-folder.ts';
import { createChildren } from './processes/children.ts';
import { watchStudy } from './watch-study.ts';

const patientsPerSite = 16;
const longMillis = 240_000;

let folder: string;
let sites: SiteFolder[];
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'demo-e2e-'));
  const hospitals = path.join(folder, 'hospitals');
  await writeHospitals({ directory: hospitals, seed: 3, patientsPerSite });
  sites = (await findSites(hospitals)).sites;
}, longMillis);
afterAll(() => rm(folder, { recursive: true, force: true }));

interface SmallRun {
  readonly name: string;
  readonly rounds: number;
  readonly alignmentRounds: number;
  readonly localSteps: number;
  readonly deadlineSeconds: number;
  readonly trainAlone: boolean;
  /** Three sites that add securely need all three; where one is to be lost for good, they do not. */
  readonly mode?: StudyPlan['protection']['mode'];
}

function smallPlan({
  name,
  rounds,
  alignmentRounds,
  localSteps,
  deadlineSeconds,
  trainAlone,
  mode,
}: SmallRun): StudyPlan {
  const plan = demoPlan({ quick: true, private: false, sites: 3 });
  const [pretraining, alignment] = plan.stages;
  return StudyPlan.parse({
    ...plan,
    name,
    imaging: { ...plan.imaging, sizePixels: 32, maximumSlicesPerPatient: 4 },
    stages: [
      { ...pretraining, rounds, batch: 4, maximumLocalSteps: localSteps },
      ...(alignmentRounds === 0 ? [] : [{ ...alignment, rounds: alignmentRounds, batch: 8, maximumLocalSteps: 2 }]),
    ],
    evaluation: {
      ...plan.evaluation,
      heldOutFraction: 0.5,
      minimumPatients: 2,
      fewShot: { shots: [1], seeds: 2 },
      trainAlone,
    },
    protection: { ...plan.protection, ...(mode !== undefined && { mode }) },
    participation: {
      quorum: 2,
      readyDeadlineSeconds: 60,
      roundDeadlineSeconds: deadlineSeconds,
      evaluationDeadlineSeconds: deadlineSeconds,
    },
  });
}

/** Starts everything, lets `interfere` do its worst in the middle of a round, and gives the report of the finished study. */
async function runStudy(
  run: SmallRun,
  { victim, interfere }: { victim?: string; interfere: (consortium: Consortium) => Promise<void> },
): Promise<{ report: Report; directory: string; pids: readonly number[] }> {
  const children = createChildren();
  const directory = path.join(folder, run.name);
  const out = path.join(directory, 'out');
  const { signal } = new AbortController();
  try {
    const consortium = await startConsortium({ children, directory, sites, signal });
    const processes = [consortium.coordinator, ...consortium.sites];
    const study = await consortium.launch(smallPlan(run));
    while (!isTraining(await consortium.status(study), victim)) await delay(50);
    await interfere(consortium);
    await watchStudy(consortium, study, { signal, onStatus: () => {}, onSiteLost: () => {} });
    await consortium.export(study, out);
    const report = Report.parse(JSON.parse(await readFile(path.join(out, 'report.json'), 'utf8')));
    return { report, directory: out, pids: [...processes, consortium.coordinator].map(({ pid }) => pid) };
  } finally {
    await children.stopAll();
  }
}

/** Whether the site (or any) has begun its steps and not ended them. */
const isTraining = (status: StudyStatus | null, victim?: string) =>
  status?.phase === 'training' &&
  status.sites.some(
    ({ site, progress }) =>
      (victim === undefined || site === victim) && progress?.activity === 'training' && progress.done > 0,
  );

/** Nothing in the records of what happened and of what left was lost or changed, and no patient is in them. */
async function expectWholeAudits(directory: string): Promise<void> {
  const coordinator = path.join(directory, 'coordinator');
  expect(await runCommandLine(['audit', 'verify', '--state', coordinator])).toBe(0);
  const log = await textsIn(path.join(coordinator, 'audit'));
  for (const { site, directory: data } of sites) {
    const folder = path.join(directory, `site-${site}`);
    const { finding, checkpoint } = await readAudit(folder);
    expect(finding).toMatchObject({ ok: true });
    expect(checkpoint?.size).toBeGreaterThan(0);
    // It watched the coordinator's log, and showed it its own.
    expect(log).toContain(`"site":"${site}"`);
    const audited = log + (await textsIn(path.join(folder, 'audit')));
    const [, ...rows] = (await readFile(path.join(data, 'clinical.csv'), 'utf8')).trim().split('\n');
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(audited).not.toContain(row.split(',')[0]);
  }
}

async function textsIn(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => path.join(parentPath, name));
  return (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe.concurrent('a consortium of processes', () => {
  test(
    'finishes with every site in every round although the coordinator is killed in the middle of one',
    async () => {
      const { report, directory, pids } = await runStudy(
        {
          name: 'killed-coordinator',
          rounds: 2,
          alignmentRounds: 2,
          localSteps: 6,
          deadlineSeconds: 90,
          trainAlone: true,
        },
        {
          async interfere(consortium) {
            consortium.coordinator.kill('SIGKILL');
            expect(await consortium.coordinator.ended).toEqual({ code: null, signal: 'SIGKILL' });
            await delay(500);
            await consortium.restartCoordinator();
          },
        },
      );
      expect(report.study.state).toBe('finished');
      await expectWholeAudits(path.dirname(directory));
      expect(report.stages.map(({ rounds }) => rounds.length)).toEqual([2, 2]);
      const names = sites.map(({ site }) => site);
      for (const { participants, leftOut, bytesSent } of report.stages.flatMap(({ rounds }) => rounds)) {
        expect(participants).toEqual(names);
        expect(leftOut).toEqual([]);
        for (const bytes of Object.values(bytesSent)) expect(bytes).toBeGreaterThan(100_000);
      }
      expect(Object.keys(report.study.engine)).toEqual(names);
      // Every hospital showed what had left it, and the log that says so was cosigned.
      expect(report.ledgers?.coordinatorLog.cosignatures).toBeGreaterThan(0);
      expect(report.ledgers?.sites.map(({ site }) => site)).toEqual(names);
      for (const { egress } of report.ledgers?.sites ?? []) expect(egress?.records).toBeGreaterThan(0);
      for (const site of names) {
        expect(report.data[site]!.slices).toBeGreaterThan(0);
        expect(report.quarantine[site]!['not-axial']).toBeGreaterThan(0);
      }
      expect(report.evaluation.length).toBeGreaterThan(0);
      expect(new Set(report.evaluation.map(({ encoder }) => encoder)).has('federated')).toBe(true);

      const encoder = decodeSafetensors(await readFile(path.join(directory, 'slice-encoder.safetensors')));
      expect(encoder.tensors.size).toBe(150);
      expect(encoder.metadata['plan_hash']).toBe(report.study.hash);
      expect(pids.filter(isAlive)).toEqual([]);
    },
    longMillis,
  );

  test(
    'ends a round with its quorum when a site is killed in the middle of it, and names that site',
    async () => {
      const victim = sites[1]!.site;
      const { report } = await runStudy(
        {
          name: 'killed-site',
          rounds: 1,
          alignmentRounds: 0,
          localSteps: 20,
          deadlineSeconds: 15,
          trainAlone: false,
          mode: 'sealed',
        },
        {
          victim,
          async interfere({ sites: processes }) {
            const site = processes.find(({ name }) => name === victim)!;
            site.kill('SIGKILL');
            expect(await site.ended).toEqual({ code: null, signal: 'SIGKILL' });
          },
        },
      );
      const [round] = report.stages[0]!.rounds;
      expect(round!.participants).toEqual(sites.map(({ site }) => site).filter((site) => site !== victim));
      expect(round!.leftOut.map(({ site }) => site)).toEqual([victim]);
      expect(report.evaluationLeftOut.map(({ site }) => site)).toEqual([victim]);
      expect(report.study.state).toBe('finished');
    },
    longMillis,
  );
});
