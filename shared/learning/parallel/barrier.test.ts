import { describe, expect, test } from 'vitest';
import { createBarrierMemory, openBarrier, TeamStoppedError } from './barrier.ts';

describe('openBarrier()', () => {
  test('lets the last member through at once and refuses all once it is stopped', () => {
    const memory = createBarrierMemory();
    const barrier = openBarrier(memory, { members: 1, timeoutMillis: 10 });
    barrier.wait();
    barrier.wait();
    openBarrier(memory, { members: 1, timeoutMillis: 10 }).stop();
    expect(() => barrier.wait()).toThrow(TeamStoppedError);
  });

  test('stops the team when another member does not come in time', () => {
    const memory = createBarrierMemory();
    const barrier = openBarrier(memory, { members: 2, timeoutMillis: 10 });
    expect(() => barrier.wait()).toThrow('did not come within 0.01 seconds');
    expect(() => barrier.wait()).toThrow(TeamStoppedError);
  });
});
