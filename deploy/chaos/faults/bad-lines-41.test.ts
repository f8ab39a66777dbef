/**
 * Fault 41: a line with 400 ms of latency, of 1 Mbit/s, that stalls a twentieth of the time, whose connections are reset,
 * left half-open or swallowed in the middle of a body. Nothing is lost or counted twice, and the weights are those of a good
 * line. Uploads of many pieces over such lines are in deploy/transfers/broken-lines.test.ts and slow-lines.test.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom, type SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import type { ChaosProxy } from '../link/chaos-proxy.ts';
import { modelsOf } from '../oracles/promises.ts';
import { chaosSeed, withSeed } from '../seed/chaos-seed.ts';
import { faultFreeModels } from './fault-free-models.ts';
import { startAll, throughFault } from './through-fault.ts';

const plan = chaosPlan({
  name: 'bad-lines',
  rounds: 2,
  quorum: 3,
  sessionDeadlineSeconds: 120,
  roundDeadlineSeconds: 120,
});
let unharmed: readonly string[];
beforeAll(async () => {
  unharmed = await faultFreeModels(plan, { sites: 3 });
});

interface BadLine {
  readonly name: string;
  readonly spoil: (
    proxy: ChaosProxy,
    parts: { readonly random: SeededRandom; readonly signal: AbortSignal },
  ) => unknown;
}

/** Again and again until the signal aborts. */
async function repeat(signal: AbortSignal, act: () => Promise<unknown>): Promise<void> {
  while (!signal.aborted) await act();
}

const lines: readonly BadLine[] = [
  // Half of the round trip in each direction.
  { name: '400 ms of latency', spoil: (proxy) => proxy.setLine({ delayMillis: 200 }) },
  { name: '1 Mbit/s', spoil: (proxy) => proxy.setLine({ bytesPerSecond: 125_000 }) },
  {
    name: 'stalls for a twentieth of the time',
    spoil: (proxy, { random, signal }) =>
      repeat(signal, async () => {
        const calmMillis = 400 + 1100 * random.next();
        await delay(calmMillis);
        proxy.setLine({ isStalled: true });
        await delay(calmMillis / 19);
        proxy.setLine({ isStalled: false });
      }),
  },
  {
    name: 'connections reset at any time',
    spoil: (proxy, { random, signal }) =>
      repeat(signal, async () => {
        await delay(300 + 900 * random.next());
        proxy.reset();
      }),
  },
  {
    name: 'one body in eight reset in its middle',
    spoil: (proxy, { random }) => proxy.setFate(() => (random.int(8) === 0 ? 'reset-in-the-middle' : 'pass')),
  },
  {
    name: 'connections left half-open',
    // A few times: each costs sites the time after which they take a silent line for a dead one.
    async spoil(proxy, { random, signal }) {
      for (let times = 0; times < 3 && !signal.aborted; times += 1) {
        await delay(1000 + 1000 * random.next());
        proxy.halfOpen();
      }
    },
  },
  {
    name: 'one body in sixteen swallowed in its middle',
    spoil: (proxy, { random }) => proxy.setFate(() => (random.int(16) === 0 ? 'swallow-in-the-middle' : 'pass')),
  },
];

describe.concurrent('a bad line', () => {
  test.for(lines)('fault 41: $name', { timeout: 180_000 }, async ({ name, spoil }) => {
    const seed = chaosSeed();
    const repeatWith = (used: number) =>
      `WARDROUND_CHAOS_SEED=${used} npx vitest run deploy/chaos/faults/bad-lines-41.test.ts -t '${name}'`;
    await withSeed({ seed, repeat: repeatWith }, async () => {
      const over = new AbortController();
      let spoiling: unknown;
      try {
        const state = await throughFault(
          { sites: 3, idleTimeoutMillis: 2000 },
          {
            plan,
            async make(consortium) {
              spoiling = spoil(consortium.proxy, { random: createRandom(`${name}/${seed}`), signal: over.signal });
              startAll(consortium);
            },
          },
        );
        expect(state.phase).toEqual({ kind: 'finished' });
        expect(modelsOf(state)).toEqual(unharmed);
        // Nobody was given up: the line was bad, and everybody was there.
        for (const { leftOut } of state.stages[0]!.rounds) expect(leftOut).toEqual([]);
      } finally {
        over.abort();
        await spoiling;
      }
    });
  });
});
