/** The inside of a coordinator without its edge: real storage and real adding, tiny models, a clock that stands still. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { currentRound } from '@wardround/protocols/round/state.ts';
import type { UpdateInput } from '@wardround/protocols/round/study-input.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { updateContext } from '@wardround/protocols/transfer/envelope-contexts.ts';
import { encodeUpdate } from '@wardround/protocols/transfer/update-code.ts';
import { generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { seal } from '@wardround/shared/crypto/sealed-envelope.ts';
import { layoutHash } from '@wardround/shared/tensors/layout.ts';
import { pino } from 'pino';
import { createModelWork, type ModelWork } from '../aggregation/model-work.ts';
import { receiveUpdate } from '../rounds/receive-update.ts';
import { openStudies, type Studies, type StudyStores } from '../rounds/studies.ts';
import type { StudyRunner } from '../rounds/study-runner.ts';
import { type BlobFolder, openBlobFolder } from '../storage/blob-folder.ts';
import { createJournal } from '../storage/journal.ts';
import { openDatabase } from '../storage/open-database.ts';
import { createSiteTable } from '../storage/site-table.ts';
import { createStateFolder, stateFolder } from '../storage/state-folder.ts';
import { openUploadFolder, type UploadFolder } from '../storage/upload-folder.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { readiness } from './test-site.ts';
import { tinyLayout, tinyModels } from './tiny-models.ts';

export interface TinyStores extends StudyStores {
  readonly published: BlobFolder;
  readonly uploads: UploadFolder;
}

export interface TinyCoordinator {
  readonly clock: FakeClock;
  readonly stores: TinyStores;
  readonly work: ModelWork;
  /** The sites that were told of work, in order. */
  readonly hints: string[];
  studies(): Studies;
  /** Stops and takes everything up again from the disk. */
  restart(): Promise<void>;
  /** Launches, and lets these sites be ready. */
  begin(plan: StudyPlan, ready: readonly string[]): Promise<StudyRunner>;
  /** Seals a change, uploads it and offers it in the open round. */
  send(runner: StudyRunner, site: string, change: SiteChange): Promise<void>;
  close(): Promise<void>;
}

export interface SiteChange {
  readonly delta: readonly number[];
  /** Samples of the groups `image` and `clinical`. */
  readonly sampleCounts: readonly number[];
}

export async function createTinyCoordinator(
  sites: readonly string[],
  change: (parts: { work: ModelWork; stores: TinyStores }) => { work: ModelWork; stores: TinyStores } = (parts) =>
    parts,
): Promise<TinyCoordinator> {
  const folder = stateFolder(await mkdtemp(path.join(tmpdir(), 'tiny-')));
  await createStateFolder(folder);
  const database = await openDatabase({ kind: 'sqlite', file: folder.database });
  const identity = generateIdentity();
  const uploads = openUploadFolder(folder.uploads);
  const published = openBlobFolder(folder.published);
  const optimiserStates = openBlobFolder(folder.optimiserStates);
  const plain = {
    work: createModelWork({ identity, published, optimiserStates, uploads, models: tinyModels }),
    stores: {
      journal: createJournal(database),
      sites: createSiteTable(database),
      published,
      optimiserStates,
      uploads,
      sessions: {
        messages: openBlobFolder(folder.sessions),
        models: tinyModels,
        roster: async () => null,
      },
    },
  };
  const { work, stores } = change(plain);
  for (const site of sites) {
    await stores.sites.addInvitation({ secretHash: site, site, expiresAtMillis: 1, usedByKey: null });
    const row = { site, signingKey: site, sealingKey: site, status: 'admitted', enrolledAtMillis: 0 } as const;
    await stores.sites.enrol(row, site);
  }
  const clock = createFakeClock(1_700_000_000_000);
  const hints: string[] = [];
  const open = () =>
    openStudies(stores, {
      work,
      clock,
      log: pino({ level: 'silent' }),
      transcripts: { every: 0, afterEndMillis: Infinity },
      onWork: (names) => void hints.push(...names),
    });
  let studies = await open();

  return {
    clock,
    stores,
    work,
    hints,
    studies: () => studies,
    async restart() {
      await studies.stop();
      studies = await open();
    },
    async begin(plan, ready) {
      const runner = await studies.launch(plan);
      for (const site of ready) await runner.submit({ kind: 'ready', site, ready: readiness });
      return runner;
    },
    async send(runner, site, { delta, sampleCounts }) {
      const state = runner.state();
      const round = currentRound(state)!;
      const stage = state.stages.at(-1)!;
      const { clip, maximumSampleCount } = runner.plan.protection;
      const code = { layout: tinyLayout, clip, maximumSampleCount, sites: round.sites.length };
      const { vector } = encodeUpdate(Float32Array.from(delta), { ...code, sampleCounts });
      const model = round.startModel;
      const context = updateContext({ study: state.study, stage: stage.name, round: round.round, site, model });
      const sealed = seal(vector, { recipientSealingKey: publicKeys(identity).sealingKey, context });
      const blob = await (await stores.uploads.of(site)).put(sealed);
      const figures = { loss: 1, steps: 1, samples: 1, seconds: 1 };
      const offer = { blob, model, layout: layoutHash(tinyLayout), figures } satisfies Partial<UpdateInput>;
      const address = { site, stage: stage.name, round: round.round };
      await receiveUpdate(runner, { address, offer }, { uploads: stores.uploads, work });
    },
    async close() {
      await studies.stop();
      await database.close();
      await rm(folder.root, { recursive: true });
    },
  };
}
