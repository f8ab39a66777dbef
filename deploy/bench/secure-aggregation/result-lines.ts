import { textTable } from '../../demo/text-table.ts';
import type { Machine } from '../machine.ts';
import type { CoordinatorFigures } from './coordinator-process.ts';
import type { FloorFigures } from './floor-process.ts';
import type { MeasuredCase } from './measured-case.ts';
import type { SiteFigures } from './site-process.ts';

export interface SessionResult extends MeasuredCase {
  readonly neighbours: number;
  readonly site: SiteFigures;
  readonly coordinator: CoordinatorFigures;
  /** Measured right before. */
  readonly floor: FloorFigures;
}

/** For 32-bit codes on 4 cores; of `unmaskSeconds` one for each number of drop-outs. */
export const goals = {
  sites: 8,
  parameters: 22_000_000,
  cores: 4,
  siteSeconds: 0.11,
  unmaskSeconds: { 0: 0.2, 2: 0.3 },
  memoryInModels: 2,
} as const;

const HEADINGS = [
  'Sites',
  'Parameters',
  'Bits',
  'Drop-outs',
  'Site s',
  'x floor',
  'Site MB (models)',
  'Site MB up / down',
  'Unmask s',
  'x floor',
  'Add s',
  'Messages s',
  'Coord. MB (models)',
  'Coord. MB in / out',
];

export function siteSeconds({ site }: Pick<SessionResult, 'site'>): number {
  return site.messageSeconds + site.maskSeconds;
}

export function resultLines(
  results: readonly SessionResult[],
  { machine, loadAfterwards }: { readonly machine: Machine; readonly loadAfterwards: number },
): string[] {
  return [
    ...textTable(
      HEADINGS.map((heading) => ({ heading, numeric: true })),
      results.map(rowOf),
    ),
    '',
    'Site: all messages, reading the vector, the masks and the hash that is signed. Not: sealing and writing, which are its transfer.',
    'Unmask: secrets from shares, masks out of the sum and its ranges, in the threads that also open, add and move; their time divided by their number.',
    'Add: everything from staged uploads to the published sum and weights: opening, adding, unmasking, moving, hashing, syncing to the disk.',
    'Messages: checking all that all sites say in a session, and answering it.',
    'x floor: above one AES-256-CTR pass and one addition per neighbour (unmasking: per mask left in the sum), in one thread / on all cores.',
    'Memory: resident beyond the process itself, at its highest; of the site with sealing and writing, of the coordinator while it adds. In brackets over the model of 4 bytes a parameter.',
    'Bytes: the messages as JSON, the sealed vector up and the sum down; not the requests around them.',
    'All parties are real. One masked vector is staged, and one of zeros that stands for all others: what numbers a vector holds does not change what it costs.',
    '',
    ...goalLines(results, machine),
    `Load before ${machine.load.toFixed(1)}, after ${loadAfterwards.toFixed(1)} (the measurements themselves make some).`,
  ];
}

function rowOf(result: SessionResult): string[] {
  const { sites, neighbours, parameters, codeBits, dropouts, site, coordinator, floor } = result;
  const models = (bytes: number) => `${megabytes(bytes, 0)} (${(bytes / (4 * parameters)).toFixed(2)})`;
  const above = (seconds: number, passes: number) => {
    const gigabytes = (passes * codeBits * parameters) / 8e9;
    const [single, all] = [floor.oneThread, floor.allCores].map((each) => (seconds / (gigabytes * each)).toFixed(2));
    return `${single} / ${all}`;
  };
  return [
    `${sites}`,
    `${parameters}`,
    `${codeBits}`,
    `${dropouts}`,
    siteSeconds(result).toFixed(4),
    above(siteSeconds(result), neighbours),
    models(site.peakBytes),
    `${megabytes(site.upBytes, 2)} / ${megabytes(site.downBytes, 2)}`,
    coordinator.unmaskSeconds.toFixed(4),
    above(coordinator.unmaskSeconds, coordinator.masks),
    coordinator.addSeconds.toFixed(4),
    coordinator.messageSeconds.toFixed(4),
    models(coordinator.peakBytes),
    `${megabytes(coordinator.inBytes, 1)} / ${megabytes(coordinator.outBytes, 1)}`,
  ];
}

function megabytes(bytes: number, digits: number): string {
  return (bytes / 1e6).toFixed(digits);
}

/** Each goal beside what was found; nothing where its rows were not measured. */
function goalLines(results: readonly SessionResult[], { cores }: Machine): string[] {
  const rows = results.filter(
    ({ sites, parameters, codeBits }) => sites === goals.sites && parameters === goals.parameters && codeBits === 32,
  );
  if (rows.length === 0) {
    return [`Goals are for ${goals.sites} sites and ${goals.parameters} parameters in 32 bits: not measured.`];
  }
  const line = (what: string, { found, goal, unit }: { found: number; goal: number; unit: string }) =>
    `${what}: ${found.toFixed(3)}${unit}, ${found < goal ? 'below' : 'NOT below'} ${goal}${unit}`;
  const elsewhere = cores === goals.cores ? '' : ` (here ${cores})`;
  return [
    `Goals for ${goals.sites} sites and ${goals.parameters} parameters in 32 bits on ${goals.cores} cores${elsewhere}:`,
    ...rows.flatMap((result) => {
      const { dropouts, site, coordinator } = result;
      const unmask = goals.unmaskSeconds[dropouts === 0 ? 0 : 2];
      const models = Math.max(site.peakBytes, coordinator.peakBytes) / (4 * result.parameters);
      return [
        line(`  ${dropouts} drop-outs, site`, { found: siteSeconds(result), goal: goals.siteSeconds, unit: ' s' }),
        line(`  ${dropouts} drop-outs, unmasking`, { found: coordinator.unmaskSeconds, goal: unmask, unit: ' s' }),
        line(`  ${dropouts} drop-outs, memory`, { found: models, goal: goals.memoryInModels, unit: ' models' }),
      ];
    }),
  ];
}
