/** Whole rounds without training, between a real coordinator and real sites in processes of their own. */
import { writeFile } from 'node:fs/promises';
import { describeMachine } from '../machine.ts';
import type { Suite } from '../suite.ts';
import type { RoundsCase } from './bench-plan.ts';
import { type ConnectedResult, connectSites } from './connected-sites.ts';
import { roomFault } from './disk-needed.ts';
import { httpFloor } from './http-floor.ts';
import { optionLines, type RoundsOptions, readOptions } from './options.ts';
import { connectedLines, goals, type PartResult, roundLines } from './result-lines.ts';
import { runCase } from './run-case.ts';

interface PartCase extends RoundsCase {
  readonly part: PartResult['part'];
}

/** A session needs this many; fewer send sealed updates. */
const FEWEST_MASKED = 3;

export const rounds: Suite = {
  description: 'whole rounds without training: seconds, memory, and a thousand connected sites',
  optionLines,
  async run(words, { signal }) {
    const options = readOptions(words);
    const { scratch, profile, parts, quick } = options;
    const machine = describeMachine();
    console.log(`${machine.processor}, ${machine.cores} cores, Node ${machine.node}, load ${machine.load.toFixed(1)}`);
    if (machine.load > machine.cores / 4) {
      console.log('Other programs are computing here: seconds are not to be trusted, memory and CPU seconds more so.');
    }
    const running = { scratch, signal, profile };
    const results: PartResult[] = [];
    const refused: (PartCase & { readonly reason: string })[] = [];
    for (const one of casesOf(options)) {
      const name = `${one.part}: ${(4 * one.parameters) / 1e6} MB, ${one.sites} sites`;
      const reason = await roomFault(one, scratch);
      if (reason !== null) {
        console.log(`${name}: not measured: it ${reason}.`);
        refused.push({ ...one, reason });
        continue;
      }
      console.log(`${name} …`);
      const { part, ...what } = one;
      const bytes = (what.codeBits / 8) * what.parameters;
      const floorSeconds = part === 'd' ? null : await httpFloor({ ...what, bytes }, running);
      results.push({ part, floorSeconds, ...(await runCase(what, running)) });
    }
    let connected: ConnectedResult | null = null;
    if (parts.includes('c')) {
      console.log('c: connected sites …');
      connected = await connectSites(quick ? 8 : 1000, running);
    }
    console.log('');
    if (results.length > 0) for (const line of roundLines(results)) console.log(line);
    if (connected !== null) for (const line of connectedLines(connected)) console.log(line);
    if (options.json === null) return;
    const report = {
      suite: 'rounds',
      date: new Date().toISOString(),
      machine,
      loadAfterwards: describeMachine().load,
      goals,
      results,
      refused,
      connected,
    };
    await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
  },
};

function casesOf({ parts, parameters, rounds, codeBits, quick }: RoundsOptions): PartCase[] {
  const one = (
    part: PartResult['part'],
    own: { readonly sites: number; readonly parameters: number; readonly rounds: number },
  ): PartCase[] => {
    if (!parts.includes(part)) return [];
    const mode = own.sites < FEWEST_MASKED ? 'sealed' : 'secure-aggregation';
    const size = parameters ?? (quick ? 5000 : own.parameters);
    return [{ part, ...own, mode, codeBits, parameters: size, rounds: rounds ?? (quick ? 1 : own.rounds) }];
  };
  const sizes = parameters === null && !quick ? [22_000_000, 200_000_000, 800_000_000] : [22_000_000];
  return [
    ...one('b', { sites: 4, parameters: 22_000_000, rounds: 5 }),
    ...one('a', { sites: quick ? 3 : 6, parameters: 800_000_000, rounds: 2 }),
    ...(quick ? [1] : [1, 4, 16]).flatMap((sites) =>
      sizes.flatMap((size) => one('d', { sites, parameters: size, rounds: 1 })),
    ),
  ];
}
