import { describe, expect, test } from 'vitest';
import { openTrainer } from './trainer.ts';

const open = (source: string) =>
  openTrainer({ command: process.execPath, words: ['--eval', source] }, new AbortController().signal);

const trains = `
  const answer = (message) => console.log('@' + JSON.stringify(message));
  answer({ ready: true, description: 'a trainer', device: 'cpu', threads: 4 });
  let blocks = 0;
  process.stdin.on('data', (text) => {
    if (String(text).startsWith('memory')) answer({ peakResidentBytes: 1000 });
    else answer({ slices: 8 * ++blocks, seconds: 2 });
  });`;

describe('openTrainer()', () => {
  test('gives the median of its blocks and the peak memory', async () => {
    const trainer = open(trains);
    expect(await trainer.warmUp()).toBeNull();
    for (let block = 0; block < 3; block += 1) await trainer.runBlock(1);
    expect(await trainer.figures()).toEqual({
      description: 'a trainer',
      device: 'cpu',
      threads: 4,
      slicesPerSecond: 8,
      blocks: [4, 8, 12],
      peakResidentBytes: 1000,
    });
    trainer.kill();
  });

  test('gives the reason of a trainer that cannot run, and of one that ends', async () => {
    for (const [source, reason] of [
      [`console.log('@' + JSON.stringify({ ready: false, reason: 'no card' }))`, /^no card$/],
      [`console.error('out of memory'); process.exitCode = 1`, /^The process ended \(exit code 1\)\. out of memory$/],
    ] as const) {
      const trainer = open(source);
      expect(await trainer.warmUp()).toMatch(reason);
      await trainer.runBlock(1);
      expect(await trainer.figures()).toMatch(reason);
    }
  });
});
