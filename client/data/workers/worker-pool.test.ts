import { afterEach, describe, expect, test } from 'vitest';
import type { Misbehaviour } from './test-support/misbehaving-worker.ts';
import { createWorkerPool, type WorkerPool, type WorkerPoolOptions } from './worker-pool.ts';

type Pool = WorkerPool<Misbehaviour, number | string>;

let pool: Pool | undefined;
afterEach(async () => {
  await pool?.close();
});

function open(options: Partial<WorkerPoolOptions<number | string>> = {}): Pool {
  pool = createWorkerPool<Misbehaviour, number | string>({
    script: new URL('./test-support/misbehaving-worker.ts', import.meta.url),
    workers: 2,
    workerData: null,
    timeoutMillis: 20_000,
    lost: (how) => `lost: ${how}`,
    ...options,
  });
  return pool;
}

const echoes = (count: number): Misbehaviour[] =>
  Array.from({ length: count }, (_, value) => ({ kind: 'echo', value }));

describe('createWorkerPool()', () => {
  test('answers every job with its own answer, although some take longer', async () => {
    const jobs = Array.from({ length: 40 }, (_, value): Misbehaviour => ({ kind: 'wait', value, millis: value % 3 }));
    const { run } = open();
    expect(await Promise.all(jobs.map(run))).toEqual(jobs.map((_, value) => value));
  });

  test.each<[string, Misbehaviour]>([
    ['exits', { kind: 'exit' }],
    ['throws', { kind: 'throw' }],
    ['runs out of memory', { kind: 'exhaust-memory' }],
  ])('loses only the job over which a worker %s', async (_, bad) => {
    const { run } = open();
    const jobs = [...echoes(5), bad, ...echoes(20)];
    const expected = [0, 1, 2, 3, 4, 'lost: crashed', ...Array.from({ length: 20 }, (_, value) => value)];
    expect(await Promise.all(jobs.map(run))).toEqual(expected);
  });

  test('stops a worker that hangs, and loses only its job', async () => {
    const { run } = open({ timeoutMillis: 300 });
    const jobs: Misbehaviour[] = [...echoes(3), { kind: 'hang' }, ...echoes(6), { kind: 'hang' }, ...echoes(6)];
    const answers = await Promise.all(jobs.map(run));
    expect(answers.filter((answer) => answer === 'lost: timed-out')).toHaveLength(2);
    expect(answers.filter((answer) => typeof answer === 'number')).toHaveLength(15);
    expect(answers[3]).toBe('lost: timed-out');
    expect(answers[10]).toBe('lost: timed-out');
  });

  test('ends with the reason of an abort and stops what runs', async () => {
    const controller = new AbortController();
    const { run } = open({ signal: controller.signal });
    const jobs = [run({ kind: 'hang' }), ...echoes(4).map(run)];
    const reason = new Error('the study was withdrawn');
    setTimeout(() => controller.abort(reason), 50);
    const outcomes = await Promise.allSettled(jobs);
    expect(outcomes[0]).toEqual({ status: 'rejected', reason });
    await expect(run({ kind: 'echo', value: 1 })).rejects.toBe(reason);
  });

  test('refuses jobs when the signal was aborted before', async () => {
    const { run } = open({ signal: AbortSignal.abort(new Error('too late')) });
    await expect(run({ kind: 'echo', value: 1 })).rejects.toThrow('too late');
  });

  test('says so when workers cannot be started at all', async () => {
    const { run } = open({ script: new URL('./test-support/no-such-worker.ts', import.meta.url) });
    await expect(run({ kind: 'echo', value: 1 })).rejects.toThrow('worker threads do not start');
  });

  test('refuses jobs after it was closed', async () => {
    const { run, close } = open();
    expect(await run({ kind: 'echo', value: 7 })).toBe(7);
    await close();
    await expect(run({ kind: 'echo', value: 1 })).rejects.toThrow('closed');
  });
});
