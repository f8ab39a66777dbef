/** A site for tests of secure aggregation: the real client but for training, which is made up from the site's name. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { openSiteLink, type SiteLink } from '@wardround/client/link/site-link.ts';
import { createSiteLog } from '@wardround/client/log/site-log.ts';
import { createRosterFollower } from '@wardround/client/roster/follow-roster.ts';
import { readResidual, writeResidual } from '@wardround/client/state/kept-residual.ts';
import { replaceSiteIdentity } from '@wardround/client/state/site-identity.ts';
import { createStatusBoard } from '@wardround/client/state/site-status.ts';
import { performAssignment } from '@wardround/client/training/rounds/perform-assignment.ts';
import { advanceModel } from '@wardround/client/training/session/advance-model.ts';
import { maskVector } from '@wardround/client/training/session/mask-vector.ts';
import type { Trainer } from '@wardround/client/training/trainer.ts';
import { updateFromWeights } from '@wardround/client/training/update-from-weights.ts';
import type { Task, Trained, TrainTask } from '@wardround/client/training/worker-messages.ts';
import {
  madeUpUpdate,
  readiness,
  sealReport,
  type TestSite,
  testSequence,
} from '@wardround/coordinator/testing/test-site.ts';
import type { Work } from '@wardround/protocols/session/messages.ts';
import { planHash } from '@wardround/protocols/study/plan.ts';
import { stageUpdateCode } from '@wardround/protocols/study/stage-layout.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { seal } from '@wardround/shared/crypto/sealed-envelope.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { layoutHash } from '@wardround/shared/tensors/layout.ts';

export interface SessionSite {
  readonly site: string;
  readonly folder: string;
  /** Why it declined something, by the coordinator's codes and the protocol's. */
  readonly log: readonly string[];
  /** Works until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  remove(): Promise<void>;
}

export interface SiteHooks {
  /** Called before a piece of work; what it throws ends the piece. */
  readonly before?: (work: Work, site: string) => unknown;
  /** Stands between the site and its line. */
  readonly wrapLink?: (link: SiteLink, site: string) => SiteLink;
}

export async function createSessionSite(joined: TestSite, hooks: SiteHooks = {}): Promise<SessionSite> {
  const { site, identity, coordinator } = joined;
  const folder = await mkdtemp(path.join(tmpdir(), `session-${site}-`));
  await replaceSiteIdentity(folder, identity);
  const lines: string[] = [];
  const log = createSiteLog(
    new Writable({
      write(piece, _encoding, done) {
        lines.push(String(piece));
        done();
      },
    }),
  );
  let planBlob = '';

  const trainer = {
    async run(task: Task) {
      switch (task.kind) {
        case 'prepare':
          return { ready: readiness, engine: { ...readiness.engine, notes: [] }, notes: [] };
        case 'train': {
          const { plan, stage, round, sites, model } = task;
          if (task.residuals !== undefined || plan.protection.centralPrivacy !== undefined) {
            return trainAndCode(task, site);
          }
          const made = await madeUpUpdate(
            {
              kind: 'train',
              study: planHash(plan),
              name: plan.name,
              planBlob,
              stage,
              round,
              model: model.hash,
              sites,
              sliceEncoder: null,
              deadlineMillis: 0,
            },
            joined,
          );
          const bytes = task.keepVector === undefined ? made.sealed : made.vector;
          const hash = sha256Hex(bytes);
          await mkdir(task.outbox, { recursive: true });
          const file = task.keepVector ?? path.join(task.outbox, hash);
          await writeFile(file, bytes);
          const { layout, figures } = made.offer;
          const nothing = { local: null, clippedCoordinates: 0, cappedGroups: [] };
          return { blob: { hash, file }, bytes: bytes.length, layout, figures, ...nothing };
        }
        case 'mask':
          return maskVector(task);
        case 'advance-model':
          return advanceModel(task);
        case 'evaluate':
          return { sealed: sealReport(planHash(task.plan), joined), results: 0, skipped: [] };
      }
    },
    close: async () => undefined,
  } as unknown as Trainer;

  return {
    site,
    folder,
    log: lines,
    async run(signal) {
      const plain = openSiteLink({
        coordinator,
        identity,
        site,
        sequence: testSequence,
        blobFolder: path.join(folder, 'blobs'),
        recordEgress: async () => undefined,
        onHint: () => undefined,
      });
      const link = hooks.wrapLink?.(plain, site) ?? plain;
      const roster = createRosterFollower(folder, { site, identity, coordinator, link, log });
      const status = createStatusBoard(folder);
      const context = {
        folder,
        blobFolder: path.join(folder, 'blobs'),
        site,
        sealingKey: coordinator.sealingKey,
        signingSeed: identity.signingSeed,
        link,
        trainer,
        approvalRule: 'any' as const,
        status,
        log,
        introduced: new Set<string>(),
      };
      while (!signal.aborted) {
        try {
          const work = await link.work(signal);
          if (work.kind === 'idle' || work.kind === 'pending-admission') {
            await delay(100, undefined, { signal });
            continue;
          }
          planBlob = work.planBlob;
          await hooks.before?.(work, site);
          await roster.follow(signal);
          await performAssignment(work, context, signal);
        } catch (error) {
          if (signal.aborted) break;
          lines.push(error instanceof Error ? error.message : 'unknown');
          await delay(100);
        }
      }
      link.close();
      await status.close();
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A made-up change that goes through the site's own coding: residuals, limits and noise. */
async function trainAndCode(task: TrainTask, site: string): Promise<Trained> {
  const { plan, stage, round, sites, residuals } = task;
  const code = stageUpdateCode(plan, plan.stages.find(({ name }) => name === stage)!, sites);
  const { size, groups } = code.layout;
  const random = createRandom(`${site}/${stage}/${round}/coded`);
  const [amplitude, phase] = [plan.protection.clip * random.next(), random.int(1000)];
  const after = Float32Array.from({ length: size }, (_, i) => (amplitude * (((i + phase) % 997) - 498)) / 498);
  const residual = residuals === undefined ? null : await readResidual(residuals, size);
  const { vector, clippedCoordinates, cappedGroups } = updateFromWeights(
    { before: new Float32Array(size), after, sampleCounts: Object.fromEntries(groups.map((group) => [group, 5])) },
    { ...code, normLimit: plan.protection.updateNormLimit, residual },
  );
  const bytes = task.keepVector === undefined ? seal(vector, task.sealing) : vector;
  const hash = sha256Hex(bytes);
  await mkdir(task.outbox, { recursive: true });
  const file = task.keepVector ?? path.join(task.outbox, hash);
  await writeFile(file, bytes);
  return {
    blob: { hash, file },
    bytes: bytes.length,
    layout: layoutHash(code.layout),
    figures: { loss: 0, steps: 0, samples: 0, seconds: 0 },
    local: null,
    clippedCoordinates,
    cappedGroups,
    residual: residual === null || residuals === undefined ? undefined : await writeResidual(residuals.path, residual),
  };
}
