import { availableParallelism } from 'node:os';
import { describe, expect, test } from 'vitest';
import { threadsHere, threadsWithin } from './threads-here.ts';

const gib = 1024 ** 3;

describe('threadsWithin()', () => {
  test.each([
    { cores: 4, bytes: 32 * gib, threads: 4 },
    { cores: 64, bytes: 32 * gib, threads: 16 },
    { cores: 4, bytes: gib, threads: 1 },
  ])('gives $threads of $cores cores with $bytes bytes', ({ threads, ...machine }) => {
    expect(threadsWithin(machine)).toBe(threads);
  });
});

test('threadsHere() gives at least one thread and at most one a core', () => {
  expect(threadsHere()).toBeGreaterThanOrEqual(1);
  expect(threadsHere()).toBeLessThanOrEqual(availableParallelism());
});
