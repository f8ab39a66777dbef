/** What a secure aggregation session costs one site and the coordinator, beside the least that its masks can cost here. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serialize } from 'node:v8';
import { CANARY_WORDS } from '@wardround/protocols/secure-aggregation/canary.ts';
import { startLineProcess } from '../line-process.ts';
import { describeMachine } from '../machine.ts';
import type { Suite } from '../suite.ts';
import type { CoordinatorFigures } from './coordinator-process.ts';
import type { FloorFigures } from './floor-process.ts';
import { optionLines, readOptions } from './options.ts';
import { mostDropouts, recordSession } from './recorded-session.ts';
import { goals, resultLines, type SessionResult, siteSeconds } from './result-lines.ts';
import type { SiteFigures } from './site-process.ts';

export const secureAggregation: Suite = {
  description: 'time, traffic and memory of a secure aggregation session at one site and at the coordinator',
  optionLines,
  async run(words, { signal }) {
    const options = readOptions(words);
    const machine = describeMachine();
    console.log(`${machine.processor}, ${machine.cores} cores, Node ${machine.node}, load ${machine.load.toFixed(1)}`);
    if (machine.load > machine.cores / 4) {
      console.log(
        'Other programs are computing here: neither figures nor their ratios to the floor are to be trusted.',
      );
    }
    const folder = await mkdtemp(join(tmpdir(), 'wardround-bench-'));
    const ask = <Figures>(script: string, given: readonly string[]) => askProcess<Figures>(script, { given, signal });
    const results: SessionResult[] = [];
    try {
      for (const sites of options.sites) {
        for (const dropouts of new Set([0, mostDropouts(sites)])) {
          for (const parameters of options.parametersFor(sites)) {
            console.log(`${sites} sites, ${parameters} parameters, ${dropouts} drop-outs …`);
            const session = recordSession({ sites, dropouts, words: parameters + CANARY_WORDS });
            signal.throwIfAborted();
            const file = join(folder, 'session');
            await writeFile(file, serialize(session));
            const repeats = `${options.repeats}`;
            const floor = await ask<FloorFigures>('floor-process.ts', [`${parameters}`, repeats]);
            const site = await ask<SiteFigures>('site-process.ts', [file, repeats]);
            const coordinator = await ask<CoordinatorFigures>('coordinator-process.ts', [file, repeats]);
            const neighbours = session.coordinator.session!.parameters.degree;
            results.push({ sites, neighbours, parameters, dropouts, site, coordinator, floor });
          }
        }
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    console.log('');
    for (const line of resultLines(results)) console.log(line);
    if (options.json === null) return;
    const report = {
      suite: 'secure-aggregation',
      date: new Date().toISOString(),
      machine,
      loadAfterwards: describeMachine().load,
      repeats: options.repeats,
      goals,
      results: results.map((result) => ({ ...result, siteSeconds: siteSeconds(result) })),
    };
    await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
  },
};

async function askProcess<Figures>(
  script: string,
  { given, signal }: { readonly given: readonly string[]; readonly signal: AbortSignal },
): Promise<Figures> {
  const child = startLineProcess(process.execPath, [fileURLToPath(new URL(script, import.meta.url)), ...given], signal);
  try {
    return await child.ask<Figures>();
  } finally {
    child.kill();
  }
}
