import type { EngineKind } from '../open-engine.ts';
import type { EngineReport } from './inspect-engines.ts';
import { timedStep } from './steps-per-second.ts';

/**
 * The reports in plain words.
 *
 * @param options.wanted the engine that WARDROUND_ENGINE names, if it is set.
 */
export function reportLines(
  reports: readonly EngineReport[],
  { wanted = null }: { readonly wanted?: string | null } = {},
): string[] {
  const width = Math.max(...reports.map(({ kind }) => kind.length));
  return [
    ...reports.flatMap(({ kind, description, usable, problem, stepsPerSecond }) => {
      const name = kind.padEnd(width);
      if (usable) {
        return [
          `${name}  usable      ${description}`,
          `${''.padEnd(width)}              self-check passed, ${perSecond(stepsPerSecond)} steps a second`,
        ];
      }
      return [
        `${name}  not usable  ${problem}`,
        ...(description === null ? [] : [`${''.padEnd(width)}              (${description})`]),
      ];
    }),
    '',
    `A step is one of SimCLR on ${timedStep.slices} slices of ${timedStep.imageSizePixels} x ${timedStep.imageSizePixels} pixels with ViT-Tiny/16.`,
    choice(reports, wanted),
  ];
}

function choice(reports: readonly EngineReport[], wanted: string | null): string {
  // What opens is chosen; whether it computes rightly is known only after a check like this one.
  const opens = reports.filter(({ description }) => description !== null);
  const chosen = wanted === null ? opens[0] : opens.find(({ kind }) => kind === wanted);
  const because = wanted === null ? '' : ', because WARDROUND_ENGINE names it';
  if (chosen === undefined) {
    return wanted === null
      ? 'Training cannot run here: no engine opens.'
      : `Training cannot run here: WARDROUND_ENGINE is "${wanted}". Unset it to let the fastest be chosen.`;
  }
  if (chosen.usable) return `Training here uses ${chosen.kind}${because}: ${chosen.description}.`;
  const better: EngineKind | undefined = reports.find(({ usable }) => usable)?.kind;
  const advice = better === undefined ? '' : ` Set WARDROUND_ENGINE=${better} until it is repaired.`;
  return `Training here would use ${chosen.kind}${because}, which did not pass its check.${advice}`;
}

function perSecond(steps: number | null): string {
  if (steps === null) return 'unknown';
  return steps >= 10 ? steps.toFixed(0) : steps.toPrecision(2);
}
