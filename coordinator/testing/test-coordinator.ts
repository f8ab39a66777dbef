/** A coordinator for tests: the real one, in this process, on a free port and a folder of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { pino } from 'pino';
import { type AdminClient, openAdminClient } from '../cli/admin-client.ts';
import type { InvitationAnswer, LaunchAnswer, StudyAnswer } from '../edge/admin-messages.ts';
import { type CoordinatorOptions, type RunningCoordinator, startCoordinator } from '../start-coordinator.ts';
import { joinTestSite, type TestSite } from './test-site.ts';

export interface TestCoordinator {
  readonly folder: string;
  readonly admin: AdminClient;
  readonly running: RunningCoordinator;
  /** The log so far, one JSON object a line. */
  readonly log: readonly string[];
  invite(site: string): Promise<string>;
  join(...sites: readonly string[]): Promise<TestSite[]>;
  /** The administrator's word, and the approval of every site that joined here. */
  admit(...sites: readonly string[]): Promise<void>;
  launch(plan: StudyPlan): Promise<string>;
  study(study: string): Promise<StudyAnswer>;
  /** Stops it and takes everything up again from the disk, at the same address. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startTestCoordinator(
  options: Partial<Pick<CoordinatorOptions, 'admitInvited' | 'tls' | 'databaseUrl' | 'clock'>> = {},
): Promise<TestCoordinator> {
  const folder = await mkdtemp(path.join(tmpdir(), 'coordinator-'));
  const log: string[] = [];
  const start = (port: number): Promise<RunningCoordinator> =>
    startCoordinator({
      stateFolder: folder,
      databaseUrl: options.databaseUrl ?? null,
      host: '127.0.0.1',
      port,
      publicUrl: null,
      admitInvited: options.admitInvited ?? true,
      tls: options.tls ?? null,
      ...(options.clock && { clock: options.clock }),
      log: pino({ base: null }, { write: (line: string) => void log.push(line) }),
    });
  let running = await start(0);
  let admin = await openAdminClient(folder);
  const everybody: TestSite[] = [];
  const invite = async (site: string): Promise<string> =>
    (await admin.post<InvitationAnswer>('/v1/admin/invitations', { site })).token;
  return {
    folder,
    get admin() {
      return admin;
    },
    get running() {
      return running;
    },
    log,
    invite,
    async join(...sites) {
      const joined: TestSite[] = [];
      for (const site of sites) {
        const own = await joinTestSite(await invite(site), everybody);
        joined.push(own);
        everybody.push(own);
      }
      return joined;
    },
    async admit(...sites) {
      for (const site of sites) {
        await admin.post(`/v1/admin/sites/${site}/admission`);
        for (const member of everybody) await member.approveRoster();
      }
    },
    launch: async (plan) => (await admin.post<LaunchAnswer>('/v1/admin/studies', plan)).study,
    study: (study) => admin.get(`/v1/admin/studies/${study}`),
    async restart() {
      const { port } = new URL(running.publicUrl);
      await running.close();
      running = await start(Number(port));
      admin = await openAdminClient(folder);
    },
    async close() {
      await running.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** The smallest plan there is: one round a stage, FedAdam so that there is a memory to keep. */
export function testPlan(changes: Partial<StudyPlan['participation']> & { readonly rounds?: number } = {}): StudyPlan {
  const { rounds = 1, ...participation } = changes;
  const plan = smallPlan();
  const server = { kind: 'fedadam', learningRate: 0.01 };
  return checkStudyPlan({
    ...plan,
    stages: plan.stages.map((stage) => ({ ...stage, rounds, server })),
    participation: { ...plan.participation, ...participation },
  });
}

/** Asks for work until there is some that is not waiting. */
export async function nextWork(site: TestSite): Promise<Awaited<ReturnType<TestSite['work']>>> {
  for (;;) {
    const work = await site.work();
    if (work.kind !== 'idle') return work;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
