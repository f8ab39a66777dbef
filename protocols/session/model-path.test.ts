/** Which sums lead to a stage's weights, and which chains no gate could have written. */
import { describe, expect, test } from 'vitest';
import type { ModelChain } from './messages.ts';
import { type ChainLink, type KeptPoint, modelRoute } from './model-path.ts';

const hash = (label: string): string => Buffer.from(label.padEnd(32, '.')).toString('hex');
const gate = { maximumRollbacks: 2 };
const committed = (round: number): ChainLink => ({
  round,
  sites: 3,
  sum: hash(`s${round}`),
  model: hash(`m${round}`),
  transcript: hash(`t${round}`),
});
const rolledBack = (round: number, to: string, reason = 'training-loss-rose'): ChainLink => ({
  ...committed(round),
  rolledBack: { to: hash(to), reason },
});
const chain = (links: ChainLink[], skipped?: number[]): ModelChain => ({
  initial: hash('m0'),
  links,
  ...(skipped && { skipped: skipped.map((round) => ({ round, reason: 'too-few-survivors' })) }),
});
const kept = (round: number, model: string, fallback: string | null = null): KeptPoint => ({
  round,
  initial: hash('m0'),
  model: hash(model),
  fallback: fallback && hash(fallback),
});
const rounds = (links: readonly ChainLink[] | undefined) => links?.map(({ round }) => round);

describe('modelRoute()', () => {
  test('goes from the start, or from what is kept, through the committed rounds', () => {
    const three = chain([committed(1), committed(2), committed(3)]);
    expect(modelRoute(three, { kept: null, gate })).toEqual({
      from: 'start',
      links: three.links,
      round: 3,
      model: hash('m3'),
      fallbackAfter: 2,
    });
    expect(modelRoute(three, { kept: kept(1, 'm1'), gate })).toMatchObject({ from: 'kept', fallbackAfter: 1 });
    expect(rounds(modelRoute(three, { kept: kept(1, 'm1'), gate })?.links)).toEqual([2, 3]);
    expect(modelRoute(three, { kept: kept(3, 'm3'), gate })).toMatchObject({ links: [], fallbackAfter: 'kept' });
    expect(modelRoute(chain([]), { kept: null, gate })).toMatchObject({ links: [], round: 0, fallbackAfter: 0 });
  });

  test('passes skipped rounds by', () => {
    const route = modelRoute(chain([committed(1), committed(4)], [2, 3, 5]), { kept: kept(2, 'm1'), gate: undefined });
    expect(route).toMatchObject({ from: 'kept', round: 5, model: hash('m4') });
    expect(rounds(route?.links)).toEqual([4]);
  });

  test('stays where it is when a round’s own result is rejected', () => {
    const route = modelRoute(chain([committed(1), rolledBack(2, 'm1', 'update-norm-rose'), committed(3)]), {
      kept: kept(1, 'm1', 'm0'),
      gate,
    });
    expect(rounds(route?.links)).toEqual([3]);
    expect(route).toMatchObject({ from: 'kept', model: hash('m3') });
  });

  test('goes back to the fallback when the weights that a round started from are rejected', () => {
    const undone = chain([committed(1), committed(2), rolledBack(3, 'm1')]);
    const there = { links: [], round: 3, model: hash('m1'), fallbackAfter: 0 };
    expect(modelRoute(undone, { kept: kept(2, 'm2', 'm1'), gate })).toEqual({ ...there, from: 'fallback' });
    // Without the fallback all is computed again.
    expect(rounds(modelRoute(undone, { kept: kept(2, 'm2'), gate })?.links)).toEqual([1]);
    const further = chain([...undone.links, committed(4)]);
    const route = modelRoute(further, { kept: kept(2, 'm2', 'm1'), gate });
    expect(route).toMatchObject({ from: 'fallback', fallbackAfter: 0 });
    expect(rounds(route?.links)).toEqual([4]);
    // A site that was away all the time never computes what was undone.
    expect(rounds(modelRoute(further, { kept: null, gate })?.links)).toEqual([1, 4]);
  });

  test('goes back by one committed round and no further, however often it goes back', () => {
    const twice = chain([committed(1), committed(2), rolledBack(3, 'm1'), rolledBack(4, 'm1')]);
    expect(modelRoute(twice, { kept: null, gate })).toMatchObject({ model: hash('m1') });
    const deeper = chain([committed(1), committed(2), rolledBack(3, 'm1'), rolledBack(4, 'm0')]);
    expect(modelRoute(deeper, { kept: null, gate })).toBeNull();
  });

  test.each([
    ['older weights without a rollback', chain([committed(1), { ...committed(2), model: hash('m1') }]), kept(2, 'm2')],
    ['fewer rounds than are kept', chain([committed(1)]), kept(2, 'm2')],
    ['another beginning', { ...chain([committed(1)]), initial: hash('x') }, kept(1, 'm1')],
    ['a rollback deeper than the gate’s', chain([committed(1), committed(2), rolledBack(3, 'm0')]), null],
    [
      'a rejected result’s rollback past its start',
      chain([committed(1), rolledBack(2, 'm0', 'update-norm-rose')]),
      null,
    ],
    ['a rollback to weights of its own', chain([committed(1), rolledBack(2, 'elsewhere')]), null],
    ['a rollback to the rejected weights', chain([committed(1), rolledBack(2, 'm2')]), null],
    ['a rollback for a reason that the gate does not have', chain([committed(1), rolledBack(2, 'm0', 'wish')]), null],
    ['more rollbacks than the gate has', chain([1, 2, 3].map((round) => rolledBack(round, 'm0'))), null],
    ['a round that is not accounted for', chain([committed(1), committed(3)]), null],
    ['a round twice', chain([committed(1), committed(2)], [2]), null],
  ])('refuses %s', (_, forged, from) => {
    expect(modelRoute(forged, { kept: from, gate })).toBeNull();
  });

  test('refuses a rollback in a study without a gate', () => {
    expect(modelRoute(chain([committed(1), rolledBack(2, 'm0')]), { kept: null, gate: undefined })).toBeNull();
  });
});
