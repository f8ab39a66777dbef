import { vitSizes } from '../../tensors/layouts/vit.ts';
import type { Engine } from '../engine/open-engine.ts';
import { createExchangeMemory } from '../parallel/exchange.ts';
import { createShardedMemory, shardedState } from '../parallel/sharded-adamw.ts';
import { startTeam } from '../parallel/team.ts';
import { threadsOfMember } from '../parallel/threads-for.ts';
import type { SliceLearner } from './slice-learner.ts';
import type { SliceLearningCommand, SliceLearningData } from './slice-learning-messages.ts';
import type { SlicePretrainingOptions } from './slice-pretraining-options.ts';

const script = new URL('./slice-learning-worker.ts', import.meta.url);

/** Learns in a team of threads, each with an engine of this one's kind: a batch's views are divided among them. */
export function createSliceLearnerTeam(
  engine: Engine,
  { threads, ...options }: SlicePretrainingOptions & { readonly threads: number },
): SliceLearner {
  const { parameters, from, ...settings } = options;
  const memory = createShardedMemory(parameters, threads, { from });
  const team = startTeam<SliceLearningData, SliceLearningCommand, number>({
    script,
    members: threads,
    data: { engine: engine.kind, threads: threadsOfMember(engine, threads), settings, memory },
  });
  return {
    async step(slices, { step, learningRate, signal }) {
      const views = (2 * slices.length) / options.imageSizePixels ** 2;
      const shared = new SharedArrayBuffer(slices.byteLength);
      new Float32Array(shared).set(slices);
      const command: SliceLearningCommand = {
        slices: shared,
        step,
        views,
        embeddings: createExchangeMemory(views * vitSizes(options.architecture).width),
        learningRate,
      };
      const [loss] = await team.run(Array(threads).fill(command), { signal });
      return loss!;
    },
    parameters: async () => new Float32Array(memory.parameters).slice(),
    state: async () => shardedState(memory),
    dispose: team.stop,
  };
}
