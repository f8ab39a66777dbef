import type { EngineKind } from '../open-engine.ts';
import type { EngineReport } from './inspect-engines.ts';
import { timedStep } from './steps-per-second.ts';

/**
 * The reports in plain words.
 *
 * @param options.wanted the engine that WARDROUND_ENGINE names, if it is set.
 * @param options.canInstall whether TensorFlow's native library is to be had for this platform.
 */
export function reportLines(
  reports: readonly EngineReport[],
  {
    wanted = null,
    canInstall = process.platform === 'linux' && process.arch === 'x64',
  }: { readonly wanted?: string | null; readonly canInstall?: boolean } = {},
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
    ...(canInstall && !reports.some(({ kind, description }) => native.includes(kind) && description !== null)
      ? ['TensorFlow\'s native library would be faster than WebAssembly: "npm run engine -- install native" (or cuda).']
      : []),
  ];
}

const native: readonly EngineKind[] = ['cuda', 'native'];

function choice(reports: readonly EngineReport[], wanted: string | null): string {
  const because = wanted === null ? '' : ', because WARDROUND_ENGINE names it';
  // What opens is taken, and what breaks down while it opens takes the training with it.
  const chosen = reports.find(
    ({ kind, description, brokeDown }) => (wanted === null || kind === wanted) && (description !== null || brokeDown),
  );
  if (chosen === undefined) {
    return wanted === null
      ? 'Training cannot run here: no engine opens.'
      : `Training cannot run here: WARDROUND_ENGINE is "${wanted}". Unset it to let the fastest be chosen.`;
  }
  if (chosen.usable) return `Training here uses ${chosen.kind}${because}: ${chosen.description}.`;
  const better = reports.find(({ usable }) => usable)?.kind;
  const advice = better === undefined ? '' : ` Set WARDROUND_ENGINE=${better} until it is repaired.`;
  return `Training here would use ${chosen.kind}${because}, which did not pass its check.${advice}`;
}

function perSecond(steps: number | null): string {
  if (steps === null) return 'unknown';
  return steps >= 10 ? steps.toFixed(0) : steps.toPrecision(2);
}
