import { expect, test } from 'vitest';
import { openEngine } from '../engine/open-engine.ts';
import { threadsFor, threadsOfMember } from './threads-for.ts';

test('threadsFor() gives each thread enough to do, as many as the engine allows, and always one', async () => {
  const engine = await openEngine({ prefer: ['wasm'], threads: 3 });
  const threads = (tokens: number) => threadsFor(engine, { tokens, tokensWorthAThread: 100 });
  expect([0, 199, 200, 350, 4000].map(threads)).toEqual([1, 1, 2, 3, 3]);
  const plain = await openEngine({ prefer: ['plain'], threads: 3 });
  expect(threadsFor(plain, { tokens: 4000, tokensWorthAThread: 100 })).toBe(1);
});

test('threadsOfMember() divides what the engine allows, and leaves each member one', async () => {
  const engine = await openEngine({ prefer: ['wasm'], threads: 5 });
  expect([1, 2, 4, 8].map((members) => threadsOfMember(engine, members))).toEqual([5, 2, 1, 1]);
});
