/** Images a second of slice pretraining on each engine, beside PyTorch in the same minutes. */
import { writeFile } from 'node:fs/promises';
import type { EngineKind } from '@wardround/shared/learning/engine/open-engine.ts';
import { describeMachine } from '../machine.ts';
import type { Suite } from '../suite.ts';
import { findPyTorch } from './find-pytorch.ts';
import { measure } from './measure.ts';
import { optionLines, readOptions } from './options.ts';
import { gigabytes, type Result, resultLines } from './result-lines.ts';
import { benchModels, work } from './work.ts';

const BLOCKS = 5;

export const learning: Suite = {
  description: `SimCLR on ${work.batch} slices of ${work.imageSizePixels} pixels a step, in slices a second`,
  optionLines,
  async run(words, { signal }) {
    const options = readOptions(words);
    const machine = describeMachine();
    console.log(
      `${machine.processor}, ${machine.cores} cores, ${gigabytes(machine.memoryBytes)}, Node ${machine.node}`,
    );
    if (machine.load > machine.cores / 4) {
      console.log(
        `Other programs are computing here (load ${machine.load.toFixed(1)}): threads that wait for each other suffer from it more than others, so that neither figures nor ratios are to be trusted.`,
      );
    }
    const pytorch = await findPyTorch(signal);
    if (pytorch === null) {
      console.log('No Python with torch and timm was found: PyTorch is left out. PYTHON=/path/to/python names one.');
    }
    const results: Result[] = [];
    const leftOut = new Map<EngineKind, string>();
    for (const model of options.models) {
      for (const kind of options.engines) {
        if (leftOut.has(kind)) continue;
        const label = `${benchModels[model].name} on ${kind}`;
        console.log(`${label}: starting${pytorch === null ? '' : ', with PyTorch beside it'} …`);
        const measured = await measure(
          { kind, model },
          {
            pytorch,
            blocks: BLOCKS,
            blockSeconds: options.blockSeconds,
            signal,
            onBlock: (done) => console.log(`${label}: ${Math.round(done * BLOCKS)} of ${BLOCKS} blocks`),
          },
        );
        if (typeof measured === 'string') {
          leftOut.set(kind, measured);
          continue;
        }
        const { engine, pytorch: reference } = measured;
        if (typeof reference === 'string') console.log(`${label}: PyTorch failed. ${reference}`);
        const beside = typeof reference === 'string' ? null : reference;
        const ratio = beside === null ? null : engine.slicesPerSecond / beside.slicesPerSecond;
        results.push({ model, kind, engine, pytorch: beside, ratio });
      }
    }
    console.log('');
    for (const line of resultLines(results, { blocks: BLOCKS })) console.log(line);
    for (const [kind, reason] of leftOut) console.log(`Not run: ${kind}. ${reason}`);
    if (options.json === null) return;
    const figures = {
      suite: 'learning',
      date: new Date().toISOString(),
      machine,
      work,
      blockSeconds: options.blockSeconds,
    };
    const report = { ...figures, results, leftOut: Object.fromEntries(leftOut) };
    await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
  },
};
