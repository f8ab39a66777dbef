/** Answers of the journal that are lost: the write may have happened or not, and the study goes on as if nothing had been. */
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { DatabaseUnavailableError } from '../storage/database-errors.ts';
import type { Journal } from '../storage/journal.ts';
import { readiness } from '../testing/test-site.ts';
import { createTinyCoordinator, type TinyCoordinator } from '../testing/tiny-coordinator.ts';
import { createJournalCursor } from './journal-cursor.ts';

const sites = ['basel', 'geneva', 'zurich'];
const change = { delta: [0.05, 0, 0, 0, 0, 0], sampleCounts: [100, 0] };
const opened: TinyCoordinator[] = [];
afterEach(async () => {
  for (const coordinator of opened.splice(0)) await coordinator.close();
});

/** Every append fails once, in turn before and after it was written. */
function forgetful(journal: Journal): Journal {
  let appends = 0;
  return {
    ...journal,
    async append(...parameters) {
      appends += 1;
      if (appends % 4 === 1) throw new DatabaseUnavailableError('lost before');
      await journal.append(...parameters);
      if (appends % 4 === 3) throw new DatabaseUnavailableError('lost after');
    },
  };
}

/** As a site does: the same again until it is acknowledged. */
async function insist<Result>(task: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await task();
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) throw error;
    }
  }
}

async function runStudy(coordinator: TinyCoordinator) {
  opened.push(coordinator);
  const small = smallPlan();
  const plan = checkStudyPlan({ ...small, stages: small.stages.slice(0, 1).map((stage) => ({ ...stage, rounds: 2 })) });
  const runner = await insist(() => coordinator.studies().launch(plan));
  for (const site of sites) await insist(() => runner.submit({ kind: 'ready', site, ready: readiness }));
  const phase = () => runner.state().phase.kind;
  const ring = () => coordinator.clock.moveTo(coordinator.clock.nextAlarm() ?? coordinator.clock.now());
  for (const round of [1, 2]) {
    await vi.waitFor(() => {
      if (phase() !== 'training' || runner.state().stages[0]?.rounds.length !== round) ring();
      expect([phase(), runner.state().stages[0]?.rounds.length]).toEqual(['training', round]);
    });
    for (const site of sites) {
      // The test seals anew for every attempt, and the first that was stored stands.
      await insist(() => coordinator.send(runner, site, change)).catch((error: unknown) =>
        expect(error).toMatchObject({ code: 'equivocation' }),
      );
    }
  }
  await vi.waitFor(() => {
    if (phase() !== 'evaluating') ring();
    expect(phase()).toBe('evaluating');
  });
  const events = await coordinator.stores.journal.read(runner.state().study);
  return {
    model: runner.state().stages[0]?.model,
    kinds: events.map(({ kind }) => kind).filter((kind) => kind !== 'offer-refused'),
  };
}

describe('a study whose journal loses answers', () => {
  test('has the same events and the same model as one whose journal does not', async () => {
    const undisturbed = await runStudy(await createTinyCoordinator(sites));
    const disturbed = await createTinyCoordinator(sites, ({ work, stores }) => ({
      work,
      stores: { ...stores, journal: forgetful(stores.journal) },
    }));
    expect(await runStudy(disturbed)).toEqual(undisturbed);
  });
});

describe('createJournalCursor()', () => {
  test('reads nothing as long as every append is answered', async () => {
    const append = vi.fn(async () => undefined);
    const read = vi.fn();
    const cursor = createJournalCursor({ append, read }, { study: 'a'.repeat(64), known: 3 });
    await cursor.append([{} as never, {} as never]);
    expect(await cursor.missed()).toEqual([]);
    await cursor.append([]);
    expect(append.mock.calls.map((call: unknown[]) => call[2])).toEqual([{ position: 3 }, { position: 5 }]);
    expect(read).not.toHaveBeenCalled();
  });
});
