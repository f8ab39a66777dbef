import { setTimeout as delay } from 'node:timers/promises';
import type { Work } from '@wardround/protocols/session/messages.ts';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Assignment, startWorkLoop, type WorkLoop, type WorkLoopOptions } from './work-loop.ts';

const idle: Work = { kind: 'idle', askAgainSeconds: 0.1 };
const train = (round: number, change: object = {}) =>
  ({
    kind: 'train',
    study: 'a'.repeat(64),
    name: 'study',
    planBlob: 'b'.repeat(64),
    stage: 'slices',
    round,
    model: 'c'.repeat(64),
    sliceEncoder: null,
    sites: 3,
    deadlineMillis: 1,
    ...change,
  }) as Extract<Work, { kind: 'train' }>;

let stop = new AbortController();
let loop: WorkLoop | undefined;

/** Starts a loop whose coordinator answers with what `answer` gives at each time of asking. */
function start(answer: () => Work | Error, perform: WorkLoopOptions['perform'] = async () => undefined) {
  const events: string[] = [];
  stop = new AbortController();
  loop = startWorkLoop({
    ask: async () => {
      const given = answer();
      if (given instanceof Error) throw given;
      return given;
    },
    perform: async (work, signal) => {
      events.push(`begin ${name(work)}`);
      try {
        await perform(work, signal);
        events.push(`end ${name(work)}`);
      } catch (error) {
        events.push(`${signal.aborted ? 'dropped' : 'failed'} ${name(work)}`);
        throw error;
      }
    },
    onAskFailed: (error) => events.push(`ask failed: ${(error as Error).message}`),
    onWorkFailed: (work, error) => events.push(`reported ${name(work)}: ${(error as Error).message}`),
    signal: stop.signal,
    random: () => 0,
  });
  return { events, loop };
}

const name = (work: Assignment) => `${work.kind}${work.kind === 'train' ? ` ${work.round}` : ''}`;
const untilAborted = (signal: AbortSignal) => delay(60_000, undefined, { signal });

afterEach(async () => {
  stop.abort();
  await loop?.ended;
});

describe('startWorkLoop()', () => {
  test('does each piece once and asks for the next as soon as it is done', async () => {
    let asked = 0;
    const pieces = [train(1), train(2), train(3)];
    const { events } = start(() => pieces[asked++] ?? idle);
    await vi.waitFor(() => expect(events).toHaveLength(6));
    expect(events).toEqual([
      'begin train 1',
      'end train 1',
      'begin train 2',
      'end train 2',
      'begin train 3',
      'end train 3',
    ]);
  });

  test('goes on with a piece while the coordinator asks for the same, even with a later deadline', async () => {
    let asked = 0;
    const { events, loop: running } = start(
      () => train(1, { deadlineMillis: asked++ }),
      (_, signal) => untilAborted(signal),
    );
    for (let hint = 0; hint < 5; hint++) {
      running.hint();
      await delay(30);
    }
    expect(asked).toBeGreaterThan(3);
    expect(events).toEqual(['begin train 1']);
  });

  test.each([
    ['another round', train(2)],
    ['the same round from other weights', train(1, { model: 'd'.repeat(64) })],
    ['the same round with another number of sites', train(1, { sites: 2 })],
  ])('drops a piece when the coordinator asks for %s', async (_, next) => {
    let current: Work = train(1);
    const { events, loop: running } = start(
      () => current,
      (_work, signal) => untilAborted(signal),
    );
    await vi.waitFor(() => expect(events).toEqual(['begin train 1']));
    current = next;
    running.hint();
    await vi.waitFor(() =>
      expect(events).toEqual(['begin train 1', 'dropped train 1', `begin ${name(next as Assignment)}`]),
    );
  });

  test('finishes a piece whose study is paused, and goes on with it when the study does', async () => {
    const paused: Work = { ...idle, mayFinish: ['a'.repeat(64)] };
    let current: Work = train(1);
    let finish = () => {};
    const { events, loop: running } = start(
      () => current,
      (_work, signal) =>
        new Promise((resolve, reject) => {
          finish = resolve;
          signal.addEventListener('abort', reject);
        }),
    );
    await vi.waitFor(() => expect(events).toEqual(['begin train 1']));
    for (const work of [paused, train(1), paused]) {
      current = work;
      running.hint();
      await delay(60);
    }
    expect(events).toEqual(['begin train 1']);
    finish();
    await vi.waitFor(() => expect(events).toEqual(['begin train 1', 'end train 1']));
    current = train(2);
    await vi.waitFor(() => expect(events.at(-1)).toBe('begin train 2'));
    // A pause of another study is none of this one's.
    current = { ...idle, mayFinish: ['e'.repeat(64)] };
    running.hint();
    await vi.waitFor(() => expect(events.at(-1)).toBe('dropped train 2'));
  });

  test('drops a piece when there is nothing to do any more, without reporting a failure', async () => {
    let current: Work = train(1);
    const { events, loop: running } = start(
      () => current,
      (_, signal) => untilAborted(signal),
    );
    await vi.waitFor(() => expect(events).toEqual(['begin train 1']));
    current = idle;
    running.hint();
    await vi.waitFor(() => expect(events).toEqual(['begin train 1', 'dropped train 1']));
  });

  test('outlives answers that cannot be used', async () => {
    let asked = 0;
    const answers = [new Error('unreachable'), new Error('unintelligible'), new Error('untrusted'), train(1)];
    const { events } = start(() => answers[asked++] ?? idle);
    await vi.waitFor(() => expect(events).toContain('end train 1'));
    expect(events.slice(0, 3)).toEqual([
      'ask failed: unreachable',
      'ask failed: unintelligible',
      'ask failed: untrusted',
    ]);
  });

  test('outlives work that fails, and tries again what it is given again, but not at once', async () => {
    let attempts = 0;
    const startMillis = performance.now();
    const { events } = start(
      () => (attempts < 3 ? train(1) : idle),
      async () => {
        attempts += 1;
        if (attempts < 3) throw new Error('broken');
      },
    );
    await vi.waitFor(() => expect(events).toContain('end train 1'));
    expect(events.filter((event) => event === 'reported train 1: broken')).toHaveLength(2);
    expect(performance.now() - startMillis).toBeGreaterThan(390);
  });

  test('keeps a piece going while the coordinator cannot be reached', async () => {
    let answer: Work | Error = train(1);
    let finish = () => {};
    const { events, loop: running } = start(
      () => answer,
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    );
    await vi.waitFor(() => expect(events).toEqual(['begin train 1']));
    answer = new Error('away');
    running.hint();
    await vi.waitFor(() => expect(events).toContain('ask failed: away'));
    answer = idle;
    finish();
    await vi.waitFor(() => expect(events).toContain('end train 1'));
  });

  test('ends when the signal aborts, after the piece in hand has stopped', async () => {
    const { events, loop: running } = start(
      () => train(1),
      (_, signal) => untilAborted(signal),
    );
    await vi.waitFor(() => expect(events).toEqual(['begin train 1']));
    stop.abort();
    await running.ended;
    expect(events).toEqual(['begin train 1', 'dropped train 1']);
  });
});
