/** What a secure aggregation session costs one site and the coordinator, beside the least that its masks can cost here. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startLineProcess } from '../line-process.ts';
import { describeMachine } from '../machine.ts';
import type { Suite } from '../suite.ts';
import type { CoordinatorFigures } from './coordinator-process.ts';
import { estimateSeconds } from './estimate.ts';
import type { FloorFigures } from './floor-process.ts';
import { coordinatorRepeats, type MeasuredCase, type MeasureRequest } from './measured-case.ts';
import { dropoutsOf, optionLines, readOptions } from './options.ts';
import type { RecordRequest } from './record-process.ts';
import { goals, resultLines, type SessionResult, siteSeconds } from './result-lines.ts';
import type { SiteFigures } from './site-process.ts';

export const secureAggregation: Suite = {
  description: 'time, traffic and memory of a secure aggregation session at one site and at the coordinator',
  optionLines,
  async run(words, { signal }) {
    const { json, cases } = readOptions(words);
    const machine = describeMachine();
    console.log(`${machine.processor}, ${machine.cores} cores, Node ${machine.node}, load ${machine.load.toFixed(1)}`);
    if (machine.load > machine.cores / 4) {
      console.log(
        'Other programs are computing here: neither figures nor their ratios to the floor are to be trusted.',
      );
    }
    console.log(`${cases.length} measurements, about ${Math.ceil(estimateSeconds(cases) / 60)} minutes.`);
    const folder = await mkdtemp(join(tmpdir(), 'wardround-bench-'));
    const ask = <Figures>(script: string, request?: object) => askProcess<Figures>(script, { request, signal });
    const results: SessionResult[] = [];
    try {
      for (const sites of new Set(cases.map((measured) => measured.sites))) {
        console.log(`${sites} sites: playing ${dropoutsOf(sites).length} sessions …`);
        const sessionFile = (dropouts: number) => join(folder, `session-${dropouts}`);
        const dropouts = dropoutsOf(sites);
        const recording: RecordRequest = { sites, dropouts, files: dropouts.map(sessionFile) };
        const neighbours = await ask<number>('record-process.ts', recording);
        for (const measured of cases.filter((measured) => measured.sites === sites)) {
          console.log(`${nameOf(measured)} …`);
          const figures = await measure(measured, { ask, folder, session: sessionFile(measured.dropouts) });
          results.push({ ...measured, neighbours, ...figures });
        }
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    console.log('');
    const loadAfterwards = describeMachine().load;
    for (const line of resultLines(results, { machine, loadAfterwards })) console.log(line);
    if (json === null) return;
    const report = {
      suite: 'secure-aggregation',
      date: new Date().toISOString(),
      machine,
      loadAfterwards,
      goals,
      results: results.map((result) => ({ ...result, siteSeconds: siteSeconds(result) })),
    };
    await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
  },
};

type Ask = <Figures>(script: string, request?: object) => Promise<Figures>;

async function measure(
  measured: MeasuredCase,
  { ask, folder, session }: { readonly ask: Ask; readonly folder: string; readonly session: string },
): Promise<Pick<SessionResult, 'site' | 'coordinator' | 'floor'>> {
  const { parameters, codeBits, repeats } = measured;
  const inFolder = async <Result>(work: (request: MeasureRequest) => Promise<Result>): Promise<Result> => {
    const own = await mkdtemp(join(folder, 'case-'));
    try {
      return await work({ parameters, codeBits, repeats, session, folder: own });
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  };
  const floor = await ask<FloorFigures>('floor-process.ts');
  const site = await inFolder((request) => ask<SiteFigures>('site-process.ts', request));
  const coordinator = await inFolder(async (request) => {
    await ask('stage-process.ts', request);
    return ask<CoordinatorFigures>('coordinator-process.ts', { ...request, repeats: coordinatorRepeats(measured) });
  });
  return { floor, site, coordinator };
}

function nameOf({ sites, parameters, codeBits, dropouts }: MeasuredCase): string {
  return `${sites} sites, ${parameters} parameters in ${codeBits} bits, ${dropouts} drop-outs`;
}

async function askProcess<Figures>(
  script: string,
  { request, signal }: { readonly request: object | undefined; readonly signal: AbortSignal },
): Promise<Figures> {
  const words = [fileURLToPath(new URL(script, import.meta.url)), ...(request ? [JSON.stringify(request)] : [])];
  const child = startLineProcess(process.execPath, words, { signal });
  try {
    return await child.ask<Figures>();
  } finally {
    child.kill();
  }
}
