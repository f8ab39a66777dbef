/** What the threads of slice pretraining are told. */
import type { EngineKind } from '../engine/open-engine.ts';
import type { ShardedMemory } from '../parallel/sharded-adamw.ts';
import type { SlicePretrainingOptions } from './slice-pretraining-options.ts';

/** Once, when they start. */
export interface SliceLearningData {
  readonly engine: EngineKind;
  /** That each of them may compute in. */
  readonly threads: number;
  readonly settings: Omit<SlicePretrainingOptions, 'parameters' | 'from' | 'threads'>;
  readonly memory: ShardedMemory;
}

/** For each step; all threads are told the same and find their own share. They answer with the loss. */
export interface SliceLearningCommand {
  /** [n, size, size], float32. */
  readonly slices: SharedArrayBuffer;
  /** From 0; with the seed it says which views are drawn. */
  readonly step: number;
  /** 2n, two of each slice. */
  readonly views: number;
  /** Where embeddings are exchanged. */
  readonly embeddings: SharedArrayBuffer;
  readonly learningRate: number;
}
