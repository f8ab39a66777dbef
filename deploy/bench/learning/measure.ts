import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { EngineKind } from '@wardround/shared/learning/engine/open-engine.ts';
import type { PyTorch } from './find-pytorch.ts';
import { type Figures, openTrainer, type Trainer } from './trainer.ts';
import { type BenchModel, benchModels, work } from './work.ts';

export interface Measurement {
  readonly engine: Figures;
  /** Null without a Python that has torch and timm; the reason when it failed. */
  readonly pytorch: Figures | string | null;
}

export interface MeasureOptions {
  readonly pytorch: PyTorch | null;
  readonly blocks: number;
  readonly blockSeconds: number;
  readonly signal: AbortSignal;
  /** Told the share that is done, 0 to 1. */
  readonly onBlock: (done: number) => void;
}

const TRAINER = fileURLToPath(new URL('engine-trainer.ts', import.meta.url));
const PYTORCH = fileURLToPath(new URL('simclr_pytorch.py', import.meta.url));

/**
 * Measures a model on an engine and in PyTorch, a block of the one after a block of the other, so that what else the
 * machine does hits both. Resolves to the reason when the engine cannot be used.
 */
export async function measure(
  { kind, model }: { readonly kind: EngineKind; readonly model: BenchModel },
  { pytorch, blocks, blockSeconds, signal, onBlock }: MeasureOptions,
): Promise<Measurement | string> {
  const trainers = [openTrainer({ command: process.execPath, words: [TRAINER, kind, model] }, signal)];
  const [engine] = trainers as [Trainer];
  try {
    const refused = await engine.warmUp();
    if (refused !== null) return refused;
    if (pytorch !== null) {
      const words = [PYTORCH, settings({ kind, model, pytorch })];
      trainers.push(openTrainer({ command: pytorch.python, words }, signal));
      await trainers[1]!.warmUp();
    }
    for (let block = 0; block < blocks; block += 1) {
      for (const trainer of trainers) await trainer.runBlock(blockSeconds);
      onBlock((block + 1) / blocks);
    }
    const figures = await engine.figures();
    return typeof figures === 'string' ? figures : { engine: figures, pytorch: (await trainers[1]?.figures()) ?? null };
  } finally {
    for (const trainer of trainers) trainer.kill();
  }
}

function settings({ kind, model, pytorch }: { kind: EngineKind; model: BenchModel; pytorch: PyTorch }): string {
  const onGpu = (kind === 'cuda' || kind === 'webgpu') && pytorch.hasCuda;
  const timm_model = `${benchModels[model].architecture}_224`;
  return JSON.stringify({ ...work, timm_model, threads: availableParallelism(), device: onGpu ? 'cuda' : 'cpu' });
}
