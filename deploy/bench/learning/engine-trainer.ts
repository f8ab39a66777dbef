/** A process of its own: trains on one engine, block by block, as the lines of its standard input ask. */
import { createInterface } from 'node:readline';
import { type EngineKind, openEngine } from '@wardround/shared/learning/engine/open-engine.ts';
import { createSlicePretraining } from '@wardround/shared/learning/stages/slice-pretraining.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { initialise } from '@wardround/shared/tensors/initialise.ts';
import { slicePretrainingLayout } from '@wardround/shared/tensors/layouts/slice-pretraining.ts';
import type { Block, Memory, Ready } from './block.ts';
import { type BenchModel, benchModels, work } from './work.ts';

const [kind, model] = process.argv.slice(2) as [EngineKind, BenchModel];
const answer = (message: Ready | Block | Memory) => console.log(`@${JSON.stringify(message)}`);

const engine = await openEngine({ prefer: [kind] }).catch((error: Error) => {
  answer({ ready: false, reason: error.message.replace(/^.*?: tried \w+\. /, '') });
  process.exit();
});
const { imageSizePixels, batch, projectionWidth, temperature } = work;
const { architecture } = benchModels[model];
const training = createSlicePretraining(engine, {
  architecture,
  imageSizePixels,
  projectionWidth,
  temperature,
  optimiser: { ...work, warmUpFraction: 0.1 },
  seed: 'bench',
  parameters: initialise(slicePretrainingLayout({ architecture, imageSizePixels, projectionWidth }), 'bench'),
});
const random = createRandom('bench');
const images = Float32Array.from({ length: batch * imageSizePixels ** 2 }, () => random.next());
const step = () => training.step(images, { progress: 0.5 });

await step();
await step();
const { description, threads } = engine;
answer({ ready: true, description, threads: kind === 'wasm' || kind === 'native' ? threads : null, device: kind });

for await (const line of createInterface({ input: process.stdin })) {
  const [request, argument] = line.split(' ');
  if (request === 'block') answer(await block(Number(argument)));
  // Kilobytes, on every system that Node runs on.
  if (request === 'memory') answer({ peakResidentBytes: process.resourceUsage().maxRSS * 1024 });
}
process.exit();

async function block(atLeastSeconds: number): Promise<Block> {
  const start = performance.now();
  let slices = 0;
  let seconds = 0;
  while (seconds < atLeastSeconds) {
    await step();
    slices += batch;
    seconds = (performance.now() - start) / 1000;
  }
  return { slices, seconds };
}
