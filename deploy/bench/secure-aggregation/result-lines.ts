import { textTable } from '../../demo/text-table.ts';
import type { CoordinatorFigures } from './coordinator-process.ts';
import type { FloorFigures } from './floor-process.ts';
import type { SiteFigures } from './site-process.ts';

export interface SessionResult {
  readonly sites: number;
  readonly neighbours: number;
  readonly parameters: number;
  readonly dropouts: number;
  readonly site: SiteFigures;
  readonly coordinator: CoordinatorFigures;
  /** Measured right before. */
  readonly floor: FloorFigures;
}

/** For 8 sites and 22 M parameters on 4 cores. */
export const goals = { siteSeconds: 0.11, unmaskSeconds: [0.2, 0.2, 0.3], memoryInModels: 2 } as const;

export function siteSeconds({ site }: SessionResult): number {
  return site.messageSeconds + site.maskSeconds;
}

/** A figure beside its floors: how many times above one thread's and above all cores'. */
function above(seconds: number, { passes, floor }: { readonly passes: number; readonly floor: FloorFigures }): string {
  if (passes === 0) return '';
  return `${(seconds / (passes * floor.oneThread)).toFixed(2)} / ${(seconds / (passes * floor.allCores)).toFixed(2)}`;
}

export function resultLines(results: readonly SessionResult[]): string[] {
  const numeric = true;
  const rows = results.map((result) => {
    const { sites, neighbours, parameters, dropouts, site, coordinator, floor } = result;
    const models = (bytes: number) => (bytes / (4 * parameters)).toFixed(2);
    return [
      `${sites}`,
      `${parameters}`,
      `${dropouts}`,
      siteSeconds(result).toFixed(4),
      above(siteSeconds(result), { passes: neighbours, floor }),
      coordinator.unmaskSeconds.toFixed(4),
      above(coordinator.unmaskSeconds, { passes: coordinator.masks, floor }),
      coordinator.addSeconds.toFixed(4),
      `${(site.upBytes / 1e6).toFixed(2)} / ${(site.downBytes / 1e6).toFixed(2)}`,
      `${(site.peakBytes / 1e6).toFixed(0)} (${models(site.peakBytes)})`,
      `${(coordinator.peakBytes / 1e6).toFixed(0)} (${models(coordinator.peakBytes)})`,
    ];
  });
  const headings = [
    'Sites',
    'Parameters',
    'Drop-outs',
    'Site s',
    'x floor',
    'Unmask s',
    'x floor',
    'Add s',
    'MB up / down',
    'Site MB (models)',
    'Coord. MB (models)',
  ];
  return [
    ...textTable(
      headings.map((heading) => ({ heading, numeric })),
      rows,
    ),
    '',
    'Site: all messages, reading the vector, the masks and the hash that is signed. Not: sealing and writing, which are its transfer.',
    'Unmask: secrets from shares, masks out of the sum, canary and ranges. Not: opening and adding the vectors as they come.',
    'Add: everything from staged uploads to the published sum and weights: opening, adding, unmasking, moving, hashing, syncing to the disk.',
    'x floor: above one AES-256-CTR pass and one addition per neighbour (unmasking: per mask), in one thread / on all cores.',
    'Memory: resident beyond the process itself, at its highest; of the site with sealing and writing, of the coordinator from staged uploads to published weights. In brackets over the model of 4 bytes a parameter.',
    `Goals for 8 sites and 22000000 parameters on 4 cores: site under ${goals.siteSeconds} s, unmasking under ${goals.unmaskSeconds[0]} s and with two drop-outs ${goals.unmaskSeconds[2]} s, memory under ${goals.memoryInModels} models.`,
  ];
}
