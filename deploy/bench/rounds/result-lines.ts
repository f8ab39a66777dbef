import { textTable } from '../../demo/text-table.ts';
import { median } from '../median.ts';
import type { ConnectedResult } from './connected-sites.ts';
import type { RoundPhases } from './round-phases.ts';
import type { RoundsResult } from './run-case.ts';

/** On 4 cores. */
export const goals = {
  a: { secondsPerRound: 60, coordinatorPeakBytes: 2 ** 29 },
  b: { secondsPerRound: 1.1, coordinatorPeakBytes: 0.3 * 2 ** 30 },
} as const;

export type PartResult = RoundsResult & {
  readonly part: 'a' | 'b' | 'd';
  /** Seconds in which plain HTTP moves the same bytes; null where it was not measured. */
  readonly floorSeconds: number | null;
};

const numeric = true;

export function roundLines(results: readonly PartResult[]): string[] {
  const rows = results.map((result) => {
    const { part, parameters, codeBits, sites, mode, secondsPerRound, floorSeconds, phases } = result;
    const phase = (name: Exclude<keyof RoundPhases, 'round'>) => median(phases.map((own) => own[name])).toFixed(2);
    const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
    return [
      `${part}: ${(4 * parameters) / 1e6}${codeBits === 16 ? ' (16-bit)' : ''}`,
      `${sites} ${mode === 'sealed' ? 'sealed' : 'masked'}`,
      secondsPerRound.toFixed(2),
      phase('deliver'),
      phase('messages'),
      phase('upload'),
      phase('aggregate'),
      floorSeconds === null ? '' : `${floorSeconds.toFixed(2)} (${(secondsPerRound / floorSeconds).toFixed(1)})`,
      `${result.coordinatorCpuSeconds.toFixed(1)} / ${result.sitesCpuSeconds.toFixed(1)}`,
      megabytes(result.coordinatorPeakBytes),
      megabytes(result.sitePeakBytes),
    ];
  });
  const headings = [
    'Model MB',
    'Sites',
    'Round s',
    'deliver',
    'messages',
    'upload',
    'aggregate',
    'Floor s (x)',
    'CPU s coord. / sites',
    'Coord. MiB',
    'Site MiB',
  ];
  return [
    ...textTable(
      headings.map((heading) => ({ heading, numeric })),
      rows,
    ),
    '',
    'Deliver: the last sum goes to the sites, each moves its own weights. Upload: masked, sealed, sent, on the coordinator’s disk.',
    'CPU: core seconds a round. Floor: plain HTTP moves the same bytes, without a sync to the disk. Memory: the peak of a process.',
    `Goals on 4 cores: a ${goals.a.secondsPerRound} s and ${goals.a.coordinatorPeakBytes / 2 ** 20} MiB, b ${goals.b.secondsPerRound} s and ${(goals.b.coordinatorPeakBytes / 2 ** 20).toFixed(0)} MiB; d flat.`,
  ];
}

export function connectedLines({
  sites,
  connectSeconds,
  hintSeconds,
  workSeconds,
  coordinatorPeakBytes,
  coordinatorIdleBytes,
}: ConnectedResult): string[] {
  const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
  return [
    `c: ${sites} sites connected in ${connectSeconds.toFixed(1)} s.`,
    `   A new study: hint after ${(1000 * hintSeconds.p50).toFixed(0)} ms (median), ${(1000 * hintSeconds.p99).toFixed(0)} ms (p99);`,
    `   work in hand after ${(1000 * workSeconds.p50).toFixed(0)} ms, ${(1000 * workSeconds.p99).toFixed(0)} ms.`,
    `   Coordinator: ${mebibytes(coordinatorPeakBytes)} MiB at most, ${mebibytes(coordinatorIdleBytes)} before the first site came.`,
  ];
}
