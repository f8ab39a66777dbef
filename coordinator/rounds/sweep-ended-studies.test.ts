import type { StudyState } from '@wardround/protocols/round/state.ts';
import { describe, expect, test, vi } from 'vitest';
import { createFakeClock } from '../testing/fake-clock.ts';
import { sweepEndedStudies } from './sweep-ended-studies.ts';

const day = 86_400_000;

describe('sweepEndedStudies()', () => {
  test('forgets what was said in studies that are over, at start and daily, and goes on after trouble', async () => {
    const clock = createFakeClock(0);
    const phases: Record<string, StudyState['phase']> = { a: { kind: 'aborted' }, b: { kind: 'between-rounds' } };
    const forgotten: string[] = [];
    const removals = vi.fn(async () => undefined);
    const troubles: unknown[] = [];
    let isDown = false;
    const sweeping = sweepEndedStudies(
      {
        studies: {
          all: () =>
            Object.entries(phases).map(([study, phase]) => ({ state: () => ({ study, phase }) as StudyState })),
          removeEndedTranscripts: removals,
        },
        statements: {
          async forget(study) {
            if (isDown) throw new Error('the database is away');
            forgotten.push(study);
          },
        },
      },
      { clock, everyMillis: day, onTrouble: (error) => void troubles.push(error) },
    );
    await vi.waitFor(() => expect(removals).toHaveBeenCalledTimes(1));
    expect(forgotten).toEqual(['a']);
    isDown = true;
    clock.moveTo(day);
    await vi.waitFor(() => expect(troubles).toHaveLength(1));
    [phases['b'], isDown] = [{ kind: 'finished' }, false];
    clock.moveTo(2 * day);
    await vi.waitFor(() => expect(removals).toHaveBeenCalledTimes(2));
    expect(forgotten).toEqual(['a', 'a', 'b']);
    await sweeping.stop();
    expect(clock.nextAlarm()).toBeNull();
  });
});
