import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { DeclineError } from './decline-error.ts';
import { createTrainer, type Trainer, TrainingFailedError } from './trainer.ts';
import type { PrepareTask } from './worker-messages.ts';

const workerUrl = new URL('./testing/steps-worker.ts', import.meta.url);
let trainer: Trainer;

function create(stopPatienceMillis = 200): Trainer {
  trainer = createTrainer({ dataDirectory: '', cacheDirectory: '', engines: null }, { workerUrl, stopPatienceMillis });
  return trainer;
}
const task = (name: string, seed = 0): PrepareTask => ({ kind: 'prepare', plan: { name, seed } as StudyPlan });
const quiet = { signal: new AbortController().signal, onProgress: () => undefined };
const threads = () =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'Worker' || resource === 'MessagePort');

afterEach(async () => {
  await trainer.close();
  await vi.waitFor(() => expect(threads()).toEqual([]));
});

describe('createTrainer()', () => {
  test('runs a task and reports its steps', async () => {
    const done: number[] = [];
    const result = await create().run(task('steps', 4), {
      ...quiet,
      onProgress: (progress) => done.push(progress.done),
    });
    expect(result.notes).toEqual(['finished']);
    expect(done).toEqual([1, 2, 3, 4]);
  });

  test('runs one task after another', async () => {
    const order: string[] = [];
    create();
    await Promise.all([
      trainer.run(task('steps', 5), quiet).then(() => order.push('first')),
      trainer.run(task('steps', 1), quiet).then(() => order.push('second')),
    ]);
    expect(order).toEqual(['first', 'second']);
  });

  test('passes on a reason for declining', async () => {
    const declined = create().run(task('decline'), quiet);
    await expect(declined).rejects.toThrow(DeclineError);
    await expect(declined).rejects.toMatchObject({ reason: 'too-few-patients' });
  });

  test.each([
    ['fail', 'Cannot finish the computation: RangeError at x.ts:1.'],
    ['throw', 'Cannot finish the computation: its thread failed (Error).'],
    ['exit', 'Cannot finish the computation: its thread ended unexpectedly.'],
  ])('survives a thread that ends by "%s", telling nothing it should not', async (name, message) => {
    create();
    const failed = trainer.run(task(name), quiet);
    await expect(failed).rejects.toThrow(TrainingFailedError);
    await expect(failed).rejects.toThrow(message);
    expect((await trainer.run(task('steps', 1), quiet)).notes).toEqual(['finished']);
  });

  test('stops between two steps when the signal aborts, and keeps the thread', async () => {
    const stop = new AbortController();
    let steps = 0;
    const running = create().run(task('steps', 100_000), {
      signal: stop.signal,
      onProgress: () => {
        steps += 1;
        if (steps === 3) stop.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    expect(steps).toBeLessThan(20);
    expect((await trainer.run(task('steps', 1), quiet)).notes).toEqual(['finished']);
  });

  test('ends by force a thread that does not stop, and leaves none behind', async () => {
    const stop = new AbortController();
    const running = create(100).run(task('busy'), { ...quiet, signal: stop.signal });
    setTimeout(() => stop.abort(), 200);
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    await vi.waitFor(() => expect(threads()).toEqual([]));
    expect((await trainer.run(task('steps', 1), quiet)).notes).toEqual(['finished']);
  });

  test('leaves no thread when it is closed in the middle of a task', async () => {
    const running = create().run(task('busy'), quiet);
    running.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await trainer.close();
    await expect(running).rejects.toThrow('its thread ended unexpectedly');
  });

  test('does not begin when the signal has aborted already', async () => {
    await expect(create().run(task('steps', 1), { ...quiet, signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});
