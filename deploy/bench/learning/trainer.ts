import { ProcessEndedError, startLineProcess } from '../line-process.ts';
import { median } from '../median.ts';
import type { Block, Memory, Ready } from './block.ts';

export interface Figures {
  readonly description: string;
  readonly device: string;
  readonly threads: number | null;
  /** The median of the blocks. */
  readonly slicesPerSecond: number;
  readonly blocks: readonly number[];
  readonly peakResidentBytes: number;
}

/** A process that trains. Once it has failed, its methods do nothing and its figures are the reason. */
export interface Trainer {
  /** Resolves to the reason when it cannot run. */
  warmUp(): Promise<string | null>;
  runBlock(seconds: number): Promise<void>;
  figures(): Promise<Figures | string>;
  kill(): void;
}

export function openTrainer(
  { command, words }: { readonly command: string; readonly words: readonly string[] },
  signal: AbortSignal,
): Trainer {
  const process = startLineProcess(command, words, { signal });
  const blocks: number[] = [];
  let ready: Extract<Ready, { ready: true }> | null = null;
  let failure: string | null = null;
  const unlessFailed = async (run: () => Promise<void>) => {
    if (failure !== null) return;
    await run().catch((error) => {
      if (!(error instanceof ProcessEndedError)) throw error;
      failure = error.message;
    });
  };
  return {
    async warmUp() {
      await unlessFailed(async () => {
        const answer = await process.ask<Ready>();
        if (answer.ready) ready = answer;
        else failure = answer.reason;
      });
      return failure;
    },
    runBlock: (atLeastSeconds) =>
      unlessFailed(async () => {
        const { slices, seconds } = await process.ask<Block>(`block ${atLeastSeconds}`);
        blocks.push(slices / seconds);
      }),
    async figures() {
      let peakResidentBytes = 0;
      await unlessFailed(async () => {
        ({ peakResidentBytes } = await process.ask<Memory>('memory'));
      });
      if (failure !== null) return failure;
      const { description, device, threads } = ready!;
      return { description, device, threads, slicesPerSecond: median(blocks), blocks, peakResidentBytes };
    },
    kill: process.kill,
  };
}
