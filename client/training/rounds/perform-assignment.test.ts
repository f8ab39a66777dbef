import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { planHash, StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { stageLayout } from '@wardround/protocols/study/stage-layout.ts';
import { evaluationContext, updateContext } from '@wardround/protocols/transfer/envelope-contexts.ts';
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CoordinatorRefusedError, CoordinatorUnreachableError } from '../../link/errors.ts';
import type { SiteLink } from '../../link/site-link.ts';
import { createSiteLog } from '../../log/site-log.ts';
import { approveStudy, revokeStudy } from '../../policy/approvals.ts';
import { readLocalLayers, writeLocalLayers } from '../../state/kept-local-layers.ts';
import { keepPlace, readPlace } from '../../state/kept-place.ts';
import { readOfferedStudy } from '../../state/offered-studies.ts';
import { createStatusBoard } from '../../state/site-status.ts';
import { DeclineError } from '../decline-error.ts';
import { type Trainer, TrainingFailedError } from '../trainer.ts';
import type { Task, TrainTask } from '../worker-messages.ts';
import { performAssignment, type SiteContext } from './perform-assignment.ts';
import type { Assignment } from './work-loop.ts';

const plan = StudyPlan.parse(smallPlan());
const study = planHash(plan);
const planBlob = sha256Hex(canonicalJson(plan));
const model = 'c'.repeat(64);
const reference = { study, name: plan.name, planBlob, deadlineMillis: Date.now() + 60_000 };
const prepare: Assignment = { kind: 'prepare', ...reference };
const trainIn = (stage: string, round: number): Assignment => ({
  kind: 'train',
  ...reference,
  stage,
  round,
  model,
  sliceEncoder: stage === 'alignment' ? 'd'.repeat(64) : null,
  sites: 3,
});
const figures = { loss: 1.5, steps: 3, samples: 12, seconds: 2 };
const count = {
  patients: 9,
  series: 9,
  slices: 90,
  nonHounsfieldSeries: 0,
  clinical: 9,
  expression: 0,
  linked: 9,
  heldOut: 3,
};
const ready = { inventory: count, quarantine: { 'not-dicom': 2 }, engine: { kind: 'wasm' as const, description: 'x' } };

let folder: string;
let said: [string, unknown][];
let logged: string;
let blobs: Map<string, Buffer>;
let tasks: Task[];
let trainer: (task: Task) => Promise<unknown>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardround-perform-'));
  said = [];
  logged = '';
  tasks = [];
  blobs = new Map([[planBlob, Buffer.from(canonicalJson(plan))]]);
  trainer = async (task) => {
    if (task.kind === 'prepare') return { ready, engine: { ...ready.engine, notes: [] }, notes: ['2 files left out.'] };
    if (task.kind === 'mask' || task.kind === 'advance-model') throw new Error('not in these studies');
    if (task.kind === 'evaluate') return { sealed: 'c2VhbGVk', results: 1, skipped: [] };
    await mkdir(task.outbox, { recursive: true });
    await writeFile(join(task.outbox, 'e'.repeat(64)), 'sealed');
    return {
      blob: { hash: 'e'.repeat(64), file: join(task.outbox, 'e'.repeat(64)) },
      bytes: 6,
      layout: 'f'.repeat(64),
      figures,
      local: task.stage === 'alignment' ? { clinical: Float32Array.of(task.round), expression: null } : null,
      clippedCoordinates: 0,
      cappedGroups: [],
    };
  };
});
// A status board may still be writing.
afterEach(() => rm(folder, { recursive: true, maxRetries: 10, retryDelay: 100 }));

/** The network's edge: what is said is written down, blobs come from memory. */
function recordingLink(): SiteLink {
  const note =
    (name: string) =>
    async (...words: unknown[]) => {
      const signal = words.at(-1);
      said.push([name, signal instanceof AbortSignal ? words.slice(0, -1) : words]);
    };
  return {
    work: async () => ({ kind: 'idle', askAgainSeconds: 1 }),
    download: async (hash, { maximumBytes }) => {
      const file = join(folder, 'blobs', hash);
      await mkdir(join(folder, 'blobs'), { recursive: true });
      await writeFile(file, blobs.get(hash) ?? '');
      said.push(['download', [hash, maximumBytes]]);
      return file;
    },
    upload: note('upload'),
    ready: note('ready'),
    declineStudy: note('declineStudy'),
    offerUpdate: note('offerUpdate'),
    declineRound: note('declineRound'),
    sessionDocument: async () => Promise.reject(new Error('not in these studies')),
    sendSessionMessage: note('sendSessionMessage'),
    modelChain: async () => Promise.reject(new Error('not in these studies')),
    studyStanding: async () => ({ isOver: false }),
    coordinatorMillis: Date.now,
    offerEvaluation: note('offerEvaluation'),
    roster: async () => ({ epochs: [], newest: 0, proposal: null }),
    approveRoster: note('approveRoster'),
    rotateKeys: note('rotateKeys'),
    checkpoint: async () => ({ note: null, consistency: [] }),
    cosign: note('cosign'),
    progress: ({ activity }) => void said.push(['progress', activity]),
    bytesSent: () => 0,
    announced: () => true,
    close: () => undefined,
  };
}

function context(change: Partial<SiteContext> = {}): SiteContext {
  return {
    folder,
    blobFolder: join(folder, 'blobs'),
    site: 'clinic',
    sealingKey: 'k'.repeat(43),
    signingSeed: new Uint8Array(32),
    link: recordingLink(),
    trainer: {
      run: (async (task: Task) => {
        tasks.push(task);
        return trainer(task);
      }) as Trainer['run'],
      close: async () => undefined,
    },
    approvalRule: 'any',
    introduced: new Set(),
    status: createStatusBoard(folder),
    log: createSiteLog(
      new Writable({
        write(piece, _encoding, done) {
          logged += piece;
          done();
        },
      }),
    ),
    ...change,
  };
}

const answers = () => said.filter(([name]) => !['download', 'progress'].includes(name));
const perform = (work: Assignment, signal = new AbortController().signal, change: Partial<SiteContext> = {}) =>
  performAssignment(work, context(change), signal);

describe('performAssignment()', () => {
  test('prepares: tells counts and engine, introduces the study in plain words', async () => {
    await perform(prepare);
    expect(answers()).toEqual([['ready', [study, ready]]]);
    expect((await readOfferedStudy(folder, study))?.plan).toEqual(plan);
    expect(logged).toContain('What leaves this site');
  });

  test('does nothing with a study that is not approved, says how to approve it, and goes on once it is', async () => {
    const running = perform(prepare, new AbortController().signal, { approvalRule: 'listed' });
    await vi.waitFor(() => expect(logged).toContain(`wardround-site study approve ${study}`));
    expect(tasks).toEqual([]);
    expect(said.map(([name]) => name)).toEqual(['download', 'progress']);
    await approveStudy(study, { folder, nowMillis: 1 });
    await running;
    expect(answers()).toEqual([['ready', [study, ready]]]);
  });

  test('asks for approval before training too, and stops waiting when the work is withdrawn', async () => {
    const stop = new AbortController();
    const running = perform(trainIn('slices', 1), stop.signal, { approvalRule: 'listed' });
    await vi.waitFor(() => expect(logged).toContain('wardround-site study approve'));
    stop.abort();
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    expect(tasks).toEqual([]);
    expect(answers()).toEqual([]);
  });

  test('trains: fetches no more than the layout has, seals to the coordinator for this round, uploads, offers', async () => {
    await perform(trainIn('slices', 2));
    expect(said).toContainEqual(['download', [model, 4 * stageLayout(plan, plan.stages[0]!).size]]);
    const task = tasks[0] as TrainTask;
    expect(task).toMatchObject({
      stage: 'slices',
      round: 2,
      sites: 3,
      model: { hash: model },
      local: null,
      sliceEncoder: null,
    });
    expect(task.sealing).toEqual({
      recipientSealingKey: 'k'.repeat(43),
      context: updateContext({ study, stage: 'slices', round: 2, site: 'clinic', model }),
    });
    const offer = { blob: 'e'.repeat(64), model, layout: 'f'.repeat(64), figures };
    expect(answers()).toEqual([
      ['upload', [expect.objectContaining({ hash: 'e'.repeat(64), bytes: 6 })]],
      ['offerUpdate', [{ study, stage: 'slices', round: 2 }, offer]],
    ]);
    expect(await readdir(join(folder, 'outbox'))).toEqual([]);
    expect((await readdir(join(folder, 'blobs'))).sort()).toEqual([model, planBlob].sort());
  });

  describe('after it has trained', () => {
    const gone = new CoordinatorUnreachableError('The connection broke.');
    const updateFile = () => join(folder, 'updates', `${study}-slices.json`);

    test.each([
      'upload',
      'offerUpdate',
    ] as const)('sends the same update again when %s failed or the site was stopped, and trains no second time', async (failing) => {
      const link = { ...recordingLink(), [failing]: () => Promise.reject(gone) };
      await expect(perform(trainIn('slices', 2), undefined, { link })).rejects.toBe(gone);
      said = [];
      await perform(trainIn('slices', 2));
      expect(tasks).toHaveLength(1);
      expect(answers()).toEqual([
        [
          'upload',
          [expect.objectContaining({ hash: 'e'.repeat(64), bytes: 6, round: { study, stage: 'slices', round: 2 } })],
        ],
        [
          'offerUpdate',
          [
            { study, stage: 'slices', round: 2 },
            { blob: 'e'.repeat(64), model, layout: 'f'.repeat(64), figures },
          ],
        ],
      ]);
      expect(await readdir(join(folder, 'outbox'))).toEqual([]);
      expect(await readdir(join(folder, 'updates'))).toEqual([]);
    });

    test.each([
      ['in another round', trainIn('slices', 3), async () => undefined],
      ['for other weights', { ...trainIn('slices', 2), model: 'b'.repeat(64) } as Assignment, async () => undefined],
      ['for another number of sites', { ...trainIn('slices', 2), sites: 4 } as Assignment, async () => undefined],
      ['where the sealed bytes are gone', trainIn('slices', 2), () => rm(join(folder, 'outbox'), { recursive: true })],
    ])('trains again %s', async (_, work, change) => {
      const link = { ...recordingLink(), upload: () => Promise.reject(gone) };
      await expect(perform(trainIn('slices', 2), undefined, { link })).rejects.toBe(gone);
      await change();
      await perform(work);
      expect(tasks).toHaveLength(2);
      expect(answers().map(([name]) => name)).toEqual(['upload', 'offerUpdate']);
    });

    test('keeps nothing of it when its approval is revoked', async () => {
      const link = { ...recordingLink(), upload: () => Promise.reject(gone) };
      await expect(perform(trainIn('slices', 2), undefined, { link })).rejects.toBe(gone);
      expect(await readFile(updateFile(), 'utf8')).toContain('e'.repeat(64));
      await revokeStudy(study, { folder, nowMillis: 1 });
      await perform(trainIn('slices', 2));
      expect(answers()).toEqual([['declineStudy', [study, { reason: 'approval-revoked' }]]]);
      expect(await readdir(join(folder, 'outbox'))).toEqual([]);
      expect(await readdir(join(folder, 'updates'))).toEqual([]);
    });

    test('tells the training where to keep its place, and removes the place when the update is kept or declined', async () => {
      const training = { study, stage: 'slices', round: 2, model, sliceEncoder: null, local: null, data: model };
      const leavePlace = () => keepPlace(folder, training, { steps: 3, optimisers: {}, sums: {}, secret: null });
      const train = trainer;
      for (const ending of [train, () => Promise.reject(new TrainingFailedError('Cannot finish.'))]) {
        trainer = async (task) => {
          expect((task as TrainTask).placeFolder).toBe(folder);
          await leavePlace();
          return ending(task);
        };
        await perform(trainIn('slices', 2));
        expect(await readPlace(folder, training)).toBeNull();
      }
    });
  });

  test('keeps its own first layers between rounds and begins a repeated round with those from before it', async () => {
    const place = { study, stage: 'alignment' };
    await writeLocalLayers(folder, {
      ...place,
      round: 1,
      layers: { clinical: Float32Array.of(0.5), expression: null },
    });
    await perform(trainIn('alignment', 2));
    await perform(trainIn('alignment', 2));
    for (const task of tasks) expect((task as TrainTask).local?.clinical).toEqual(Float32Array.of(0.5));
    expect((await readLocalLayers(folder, { ...place, beforeRound: 3 }))?.clinical).toEqual(Float32Array.of(2));
  });

  test('evaluates: seals for the study and this site', async () => {
    const models = plan.stages.map(({ name }) => ({ stage: name, initial: 'a'.repeat(64), final: 'b'.repeat(64) }));
    await perform({ kind: 'evaluate', ...reference, models });
    expect(tasks[0]).toMatchObject({ sealing: { context: evaluationContext({ study, site: 'clinic' }) }, local: null });
    expect(answers()).toEqual([['offerEvaluation', [study, { sealed: 'c2VhbGVk' }]]]);
  });

  test.each([
    ['a reason of its own', new DeclineError('training-not-finite', 'Cannot go on.'), 'training-not-finite'],
    ['a failed thread', new TrainingFailedError('Cannot finish.'), 'training-failed'],
    ['a full disk', Object.assign(new Error('x'), { code: 'ENOSPC' }), 'site-disk-full'],
  ])('declines the round after %s', async (_, error, reason) => {
    trainer = () => Promise.reject(error);
    await perform(trainIn('slices', 1));
    expect(answers()).toEqual([
      ['declineRound', [expect.objectContaining({ study, stage: 'slices', round: 1 }), { reason }]],
    ]);
  });

  test('lets a person put right what keeps it from preparing, and declines only when the time is over', async () => {
    const failed = new TrainingFailedError('Cannot finish the computation: Cannot read the data.');
    trainer = () => Promise.reject(failed);
    await expect(perform(prepare)).rejects.toBe(failed);
    expect(answers()).toEqual([]);
    await perform({ ...prepare, deadlineMillis: Date.now() - 1 });
    expect(answers()).toEqual([['declineStudy', [study, { reason: 'preparation-failed' }]]]);
  });

  test('declines the round when its kept layers are damaged', async () => {
    const place = { study, stage: 'alignment' };
    await writeLocalLayers(folder, { ...place, round: 1, layers: { clinical: Float32Array.of(1), expression: null } });
    await writeFile(join(folder, 'local-layers', study, 'alignment', '1.safetensors'), 'x');
    await perform(trainIn('alignment', 2));
    expect(answers()).toMatchObject([['declineRound', [{}, { reason: 'site-state-damaged' }]]]);
  });

  test.each([
    ['not JSON', Buffer.from('{'), 'plan-not-understood'],
    ['not a plan', Buffer.from('{"format":"wardround-study/9"}'), 'plan-not-understood'],
    ['another plan', Buffer.from(canonicalJson({ ...plan, seed: 8 })), 'plan-hash-mismatch'],
  ])('declines a study whose plan is %s', async (_, bytes, reason) => {
    blobs.set(planBlob, bytes);
    await perform(prepare);
    expect(answers()).toEqual([['declineStudy', [study, { reason }]]]);
    expect(tasks).toEqual([]);
    expect(await readOfferedStudy(folder, study)).toBeNull();
  });

  test('declines a round of a stage that the plan does not have', async () => {
    await perform(trainIn('surprise', 1));
    expect(answers()).toMatchObject([['declineRound', [{}, { reason: 'unknown-stage' }]]]);
  });

  test('passes on the coordinator’s refusal of an update, and declines nothing', async () => {
    const refused = new CoordinatorRefusedError({ status: 409, code: 'late', explanation: 'The deadline has passed.' });
    const link = { ...recordingLink(), offerUpdate: () => Promise.reject(refused) };
    await expect(perform(trainIn('slices', 1), undefined, { link })).rejects.toBe(refused);
    expect(answers().map(([name]) => name)).toEqual(['upload']);
  });

  test('says nothing more after the work was withdrawn', async () => {
    const stop = new AbortController();
    trainer = async () => {
      stop.abort();
      throw new DeclineError('training-not-finite', 'Cannot go on.');
    };
    await expect(perform(trainIn('slices', 1), stop.signal)).rejects.toMatchObject({ name: 'AbortError' });
    expect(answers()).toEqual([]);
  });

  const setPolicy = (floors: object) =>
    writeFile(join(folder, 'policy.json'), JSON.stringify({ format: 'wardround-site-policy/1', ...floors }));

  test.each([
    ['maximumClip', { maximumClip: 0.01 }, 'policy-clip'],
    ['minimumSites', { minimumSites: 3 }, 'policy-minimum-sites'],
    ['minimumThreshold', { minimumThreshold: 2 }, 'policy-minimum-threshold'],
    ['protectionModes', { protectionModes: ['secure-aggregation'] }, 'policy-protection-mode'],
    ['dataSets', { dataSets: ['ct'] }, 'policy-data-sets'],
    ['maximumEpsilon', { maximumEpsilon: 8 }, 'policy-epsilon'],
    ['maximumRounds', { maximumRounds: 1 }, 'policy-rounds'],
  ])('does nothing for a study below the floor %s, names it here and its code there', async (name, floors, reason) => {
    await setPolicy(floors);
    await perform(prepare);
    await perform(trainIn('slices', 1));
    expect(answers()).toMatchObject([
      ['declineStudy', [study, { reason }]],
      ['declineRound', [{ round: 1 }, { reason }]],
    ]);
    expect(tasks).toEqual([]);
    expect(logged).toContain(`policy floor ${name} needs`);
  });

  test('does nothing under a damaged policy, and declines when the time to put it right is over', async () => {
    await writeFile(join(folder, 'policy.json'), '{');
    await expect(perform(prepare)).rejects.toThrow('Cannot use policy.json');
    expect(answers()).toEqual([]);
    await perform({ ...prepare, deadlineMillis: Date.now() - 1 });
    await perform(trainIn('slices', 1));
    expect(answers()).toMatchObject([
      ['declineStudy', [study, { reason: 'policy-damaged' }]],
      ['declineRound', [{}, { reason: 'policy-damaged' }]],
    ]);
    expect(tasks).toEqual([]);
  });

  /** Hours that are over now, and begin again in so many minutes. */
  const hoursBeginIn = (minutesFromNow: number) => {
    const time = (millis: number) => new Date(millis).toTimeString().slice(0, 5);
    const begin = Date.now() + minutesFromNow * 60_000;
    return { from: time(begin), to: time(begin + 60_000) };
  };

  test('declines a round whose deadline ends before its training hours begin', async () => {
    await setPolicy({ trainingHours: hoursBeginIn(5) });
    await perform(trainIn('slices', 1));
    expect(answers()).toMatchObject([['declineRound', [{ round: 1 }, { reason: 'policy-hours' }]]]);
    expect(tasks).toEqual([]);
  });

  test('waits for its training hours when the deadline lets it', async () => {
    await setPolicy({ trainingHours: hoursBeginIn(5) });
    const stop = new AbortController();
    const running = perform({ ...trainIn('slices', 1), deadlineMillis: Date.now() + 3_600_000 }, stop.signal);
    await vi.waitFor(() => expect(logged).toContain('waits for the training hours'));
    stop.abort();
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    expect(tasks).toEqual([]);
  });

  test.each([
    ['the approval is revoked', () => revokeStudy(study, { folder, nowMillis: 1 }), 'declineStudy', 'approval-revoked'],
    ['the policy forbids it', () => setPolicy({ maximumClip: 0.01 }), 'declineRound', 'policy-clip'],
    ['the training hours end', () => setPolicy({ trainingHours: hoursBeginIn(5) }), 'declineRound', 'policy-hours'],
  ])('stops in the middle of a round when %s, and sends nothing of it', async (_, change, answer, reason) => {
    trainer = () => new Promise(() => undefined);
    const stoppable = {
      run: ((task: Task, { signal }: { signal: AbortSignal }) => {
        tasks.push(task);
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      }) as Trainer['run'],
      close: async () => undefined,
    };
    const running = perform(trainIn('slices', 1), undefined, { trainer: stoppable });
    await vi.waitFor(() => expect(tasks).toHaveLength(1));
    await change();
    await running;
    expect(answers()).toMatchObject([[answer, [expect.anything(), { reason }]]]);
  });

  test('sends no faster than the policy lets it', async () => {
    await setPolicy({ bandwidthBytesPerSecond: 5000 });
    await perform(trainIn('slices', 1));
    expect(answers()[0]).toEqual(['upload', [expect.objectContaining({ bytes: 6, bytesPerSecond: 5000 })]]);
  });
});
