/**
 * Asks the coordinator for work and does it, one piece at a time, until told to stop.
 *
 * The coordinator decides what is due. While a piece is being done the loop keeps asking: when the answer is something else
 * (the round ended without this site, say), the piece is dropped. Nothing that fails ends the loop.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Work } from '@wardround/protocols/session/messages.ts';
import { backoffMillis, DEFAULT_BACKOFF } from '../../link/backoff.ts';

export type Assignment = Extract<Work, { planBlob: string }>;

export interface WorkLoopOptions {
  readonly ask: (signal: AbortSignal) => Promise<Work>;
  /** Does one piece. It may fail; the coordinator then gives the work again, or not. */
  readonly perform: (assignment: Assignment, signal: AbortSignal) => Promise<void>;
  readonly onWork?: (work: Work) => void;
  readonly onAskFailed: (error: unknown) => void;
  readonly onWorkFailed: (assignment: Assignment, error: unknown) => void;
  readonly signal: AbortSignal;
  readonly random?: () => number;
}

export interface WorkLoop {
  /** There may be something new: ask now. */
  hint(): void;
  /** Settles when the signal has aborted and the piece in hand has stopped. */
  readonly ended: Promise<void>;
}

/** How often to ask while a piece is being done. */
const ASK_WHILE_WORKING_MILLIS = 10_000;
/** No more often than this, however many hints come. */
const SHORTEST_WAIT_MILLIS = 20;

/** Two answers with the same key ask for the same thing. Deadlines move and do not count. */
function assignmentKey(assignment: Assignment): string {
  switch (assignment.kind) {
    case 'prepare':
      return `prepare ${assignment.study}`;
    case 'train':
      return `train ${assignment.study} ${assignment.stage} ${assignment.round} ${assignment.model} ${assignment.sites}`;
    case 'secure-session':
      return `session ${assignment.study} ${assignment.stage} ${assignment.round} ${assignment.attempt} ${assignment.step}`;
    case 'evaluate':
      return `evaluate ${assignment.study} ${assignment.models.map(({ final }) => final).join(' ')}`;
    default:
      return assignment satisfies never;
  }
}

interface Piece {
  readonly key: string;
  readonly study: string;
  readonly stop: AbortController;
  /** Settles when the piece is over, however it ended. */
  readonly over: Promise<void>;
  isOver: boolean;
}

export function startWorkLoop(options: WorkLoopOptions): WorkLoop {
  const { ask, perform, signal, random = Math.random } = options;
  let wake = Promise.withResolvers<void>();
  const hint = () => wake.resolve();
  let piece: Piece | null = null;
  /** How often the piece in hand has been given again after it was over. */
  let repeats = 0;

  function begin(assignment: Assignment, key: string): Piece {
    const stop = new AbortController();
    const begun: Piece = {
      key,
      study: assignment.study,
      stop,
      isOver: false,
      over: perform(assignment, AbortSignal.any([signal, stop.signal]))
        .catch((error) => {
          if (!signal.aborted && !stop.signal.aborted) options.onWorkFailed(assignment, error);
        })
        .then(() => {
          begun.isOver = true;
          hint();
        }),
    };
    return begun;
  }

  async function drop(): Promise<void> {
    piece?.stop.abort();
    await piece?.over;
    piece = null;
  }

  /** Acts on an answer; returns how long to wait before asking again. */
  async function follow(work: Work): Promise<number> {
    if (work.kind === 'idle' || work.kind === 'pending-admission') {
      // Its study is paused: what is in hand is finished, and taken.
      const isPaused = work.kind === 'idle' && piece !== null && work.mayFinish?.includes(piece.study) === true;
      if (isPaused && piece?.isOver === false) return work.askAgainSeconds * 1000;
      await drop();
      return work.askAgainSeconds * 1000;
    }
    const key = assignmentKey(work);
    if (piece?.key !== key) {
      await drop();
      repeats = 0;
    } else if (!piece.isOver) {
      return ASK_WHILE_WORKING_MILLIS;
    } else {
      // Done and yet given again: the answer got lost or was refused. Once more, but never in a tight circle.
      repeats += 1;
      await pause(Math.max(200, backoffMillis(repeats, { backoff: DEFAULT_BACKOFF, random })));
    }
    if (!signal.aborted) piece = begin(work, key);
    return ASK_WHILE_WORKING_MILLIS;
  }

  async function pause(millis: number): Promise<void> {
    await delay(millis, undefined, { signal }).catch(() => undefined);
  }

  /** Waits until a hint comes, the piece in hand is over, or the time is up; and so long that asking is not too often. */
  async function rest(millis: number, askedMillis: number): Promise<void> {
    const leastMillis = askedMillis + SHORTEST_WAIT_MILLIS - performance.now();
    if (leastMillis > 0) await pause(leastMillis);
    const timeUp = new AbortController();
    const timer = delay(Math.max(0, millis - SHORTEST_WAIT_MILLIS), undefined, {
      signal: AbortSignal.any([signal, timeUp.signal]),
    }).catch(() => undefined);
    await Promise.race([wake.promise, timer]);
    timeUp.abort();
    wake = Promise.withResolvers<void>();
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      let waitMillis: number;
      const askedMillis = performance.now();
      try {
        const work = await ask(signal);
        failures = 0;
        options.onWork?.(work);
        waitMillis = await follow(work);
      } catch (error) {
        if (signal.aborted) break;
        options.onAskFailed(error);
        waitMillis = backoffMillis(failures, { backoff: DEFAULT_BACKOFF, random });
        failures += 1;
      }
      await rest(waitMillis, askedMillis);
    }
    await drop();
  }

  return { hint, ended: run() };
}
