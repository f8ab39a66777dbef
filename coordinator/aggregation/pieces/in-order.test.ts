import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { inOrder } from './in-order.ts';

/** Work that takes the longer the earlier its piece; `running` counts what has not ended. */
function slowWork() {
  const work = {
    running: 0,
    most: 0,
    start: async (piece: number) => {
      work.running += 1;
      work.most = Math.max(work.most, work.running);
      for (let i = 0; i < 20 - piece; i += 1) await turn();
      work.running -= 1;
      if (piece === 13) throw new Error('thirteen');
      return piece;
    },
  };
  return work;
}

describe('inOrder()', () => {
  test('uses results in order and never has more under way than there is memory for', async () => {
    const work = slowWork();
    const used: number[] = [];
    const finish = async (result: number, piece: number) => {
      expect(result).toBe(piece);
      used.push(piece);
      return true;
    };
    await inOrder({ pieces: 12, ahead: 3, start: work.start, finish });
    expect(used).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(work.most).toBe(3);
  });

  test('stops, or fails, when everything that was started has ended', async () => {
    const stopped = slowWork();
    await inOrder({ pieces: 12, ahead: 4, start: stopped.start, finish: async (_, piece) => piece < 2 });
    expect(stopped.running).toBe(0);
    const failed = slowWork();
    const all = inOrder({ pieces: 16, ahead: 4, start: failed.start, finish: async () => true });
    await expect(all).rejects.toThrow('thirteen');
    expect(failed.running).toBe(0);
  });
});
