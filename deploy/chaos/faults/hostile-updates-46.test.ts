/**
 * Fault 46: training gives what is no update. The site's program refuses to code it; from a program that sends it all the
 * same, the wrong length is refused and the wrong numbers do not pass the sum's checks: the round has no result, the model
 * stays as it was, and the next round opens.
 */
import { readFile, writeFile } from 'node:fs/promises';
import type { Trainer } from '@wardround/client/training/trainer.ts';
import { TrainingFailedError } from '@wardround/client/training/trainer.ts';
import { updateFromWeights } from '@wardround/client/training/update-from-weights.ts';
import type { Task } from '@wardround/client/training/worker-messages.ts';
import { int32FromBytes, littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { describe, expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import { oneHotLayout } from '../consortium/one-hot.ts';
import type { Tampering } from '../consortium/run-site.ts';
import { noteRefusals } from './note-refusals.ts';
import type { Awaited } from './pass-deadlines.ts';
import { outcomesOf, siteNames, startAll, throughFault } from './through-fault.ts';

const everybody = siteNames(4);
const others = everybody.slice(0, 3);
const hostile = everybody[3]!;
const groups = oneHotLayout.groups.length;
const zeros = new Float32Array(oneHotLayout.size);
const counted = { image: 1, clinical: 1 };

/** What the training of each round gives, before it is coded. */
const trainings: readonly Pick<Parameters<typeof updateFromWeights>[0], 'after' | 'sampleCounts'>[] = [
  { after: zeros.with(7, Number.NaN), sampleCounts: counted },
  { after: zeros.with(0, Number.NEGATIVE_INFINITY), sampleCounts: counted },
  { after: zeros.subarray(1), sampleCounts: counted },
  { after: zeros, sampleCounts: { image: -1, clinical: 1 } },
  { after: zeros, sampleCounts: { image: 0, clinical: 0 } },
];

/** What is sent in each round without being coded: numbers in the place of words. */
const wrongWords: readonly ((words: Int32Array) => Int32Array)[] = [
  // NaN and infinity as floats are written.
  (words) => words.with(groups + 3, 0x7fc00000),
  (words) => words.with(groups, 0x7f800000),
  // A change that is larger than all sites together may make.
  (words) => words.with(groups + 90, 2 ** 30),
  (words) => words.with(0, -100),
  (words) => words.with(1, 100),
];
/** Other shapes: a parameter less, one more, and numbers of twice the width. */
const wrongLengths: readonly ((words: Int32Array) => Int32Array)[] = [
  (words) => words.subarray(0, -1),
  (words) => Int32Array.of(...words, 0),
  (words) => Int32Array.from({ length: 2 * words.length }, (_, index) => words[index >> 1]!),
];

/** Stands between the program and its training, in the rounds that have something wrong. */
function afterTraining(change: (file: string, task: Extract<Task, { kind: 'train' }>) => Promise<void>): Tampering {
  return {
    trainer: (trainer: Trainer): Trainer => ({
      ...trainer,
      async run(task, options) {
        const result = await trainer.run(task, options);
        if (task.kind === 'train') await change(task.keepVector!, task as Extract<Task, { kind: 'train' }>);
        return result;
      },
    }),
  };
}

const sendingWords = (changes: typeof wrongWords) =>
  afterTraining(async (file, { round }) => {
    const change = changes[round - 1];
    if (change === undefined) return;
    await writeFile(file, littleEndianBytes(change(int32FromBytes(await readFile(file)).slice())));
  });

function withHostile(tampering: Tampering, options: { readonly name: string; readonly rounds: number }) {
  const base = chaosPlan({ ...options, quorum: 3 });
  const plan = { ...base, participation: { ...base.participation, maximumSkippedRounds: options.rounds } };
  return {
    plan,
    make: async (consortium: Parameters<typeof startAll>[0]) => startAll(consortium, { [hostile]: { tampering } }),
  };
}

describe.concurrent('an update that is none', () => {
  test('fault 46: the site’s program refuses to send what is not finite, of another shape or of no samples', {
    timeout: 180_000,
  }, async () => {
    const tampering = afterTraining(async (file, { round, plan, sites }) => {
      const training = trainings[round - 1];
      if (training === undefined) return;
      const { clip, maximumSampleCount } = plan.protection;
      const code = { layout: oneHotLayout, clip, maximumSampleCount, sites };
      try {
        const { vector } = updateFromWeights({ before: zeros, ...training }, code);
        await writeFile(file, vector);
      } catch (error) {
        // As the training thread's failures arrive.
        throw error instanceof RangeError ? new TrainingFailedError('made up', { cause: error }) : error;
      }
    });
    const rounds = trainings.length + 1;
    const state = await throughFault(
      { sites: 4 },
      {
        ...withHostile(tampering, { name: 'not-sent', rounds }),
        look({ evidence }) {
          const said = evidence.said.filter(({ site, round }) => site === hostile && round < rounds);
          expect(said).toEqual([]);
        },
      },
    );
    expect(outcomesOf(state)).toEqual([...trainings.map(() => others), everybody]);
    const reasons = state.stages[0]!.rounds.map(({ leftOut }) => leftOut.map(({ reason }) => reason).join());
    expect(reasons).toEqual([
      'update-not-finite',
      'update-not-finite',
      'training-failed',
      'training-failed',
      'update-empty',
      '',
    ]);
  });

  test('fault 46: numbers that no program would send do not pass the checks of the sum, and the model stays', {
    timeout: 180_000,
  }, async () => {
    const rounds = wrongWords.length + 1;
    const state = await throughFault(
      { sites: 4 },
      withHostile(sendingWords(wrongWords), { name: 'out-of-range', rounds }),
    );
    expect(state.phase).toEqual({ kind: 'finished' });
    expect(outcomesOf(state)).toEqual([...wrongWords.map(() => 'sum-out-of-range'), everybody]);
    const models = new Set(state.stages[0]!.rounds.map(({ startModel }) => startModel));
    expect([...models]).toEqual([state.stages[0]!.initialModel]);
  });

  test('fault 46: a vector of another length is refused, and the others go on without it', {
    timeout: 180_000,
  }, async () => {
    const rounds = wrongLengths.length + 1;
    const notes = noteRefusals();
    const isAway = ({ site, round }: Awaited) => site === hostile && notes.inRound(round);
    const state = await throughFault(
      { sites: 4 },
      { ...withHostile({ ...sendingWords(wrongLengths), link: notes.link }, { name: 'wrong-length', rounds }), isAway },
    );
    expect(state.phase).toEqual({ kind: 'finished' });
    expect(outcomesOf(state)).toEqual([...wrongLengths.map(() => others), everybody]);
    const codes = wrongLengths.map((_, index) => notes.refusals.find(({ round }) => round === index + 1)?.code);
    // What is too long does not even get in.
    expect(codes).toEqual(['update-wrong-length', 'blob-too-large', 'blob-too-large']);
  });
});
