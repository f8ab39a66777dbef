import type { EngineKind } from '@wardround/shared/learning/engine/open-engine.ts';
import { textTable } from '../../demo/text-table.ts';
import type { Figures } from './trainer.ts';
import { type BenchModel, benchModels, work } from './work.ts';

export interface Result {
  readonly model: BenchModel;
  readonly kind: EngineKind;
  readonly engine: Figures;
  readonly pytorch: Figures | null;
  /** Engine over PyTorch, in slices a second. */
  readonly ratio: number | null;
}

/** The table, and below it what computed and what was counted. */
export function resultLines(results: readonly Result[], { blocks }: { readonly blocks: number }): string[] {
  return [...tableOf(results), '', ...notesOn(results, blocks)];
}

function tableOf(results: readonly Result[]): string[] {
  const numeric = true;
  return textTable(
    [
      { heading: 'Model' },
      { heading: 'Engine' },
      { heading: 'Images/s', numeric },
      { heading: 'PyTorch', numeric },
      { heading: 'Ratio', numeric },
      { heading: 'Peak memory', numeric },
      { heading: "PyTorch's", numeric },
    ],
    results.map(({ model, kind, engine, pytorch, ratio }) => [
      benchModels[model].name,
      kind,
      engine.slicesPerSecond.toFixed(2),
      pytorch?.slicesPerSecond.toFixed(2) ?? 'not run',
      ratio?.toFixed(2) ?? '',
      gigabytes(engine.peakResidentBytes),
      pytorch === null ? '' : gigabytes(pytorch.peakResidentBytes),
    ]),
  );
}

function notesOn(results: readonly Result[], blocks: number): string[] {
  const engines = new Map(results.map(({ kind, engine }) => [kind, engine]));
  const references = new Map(results.flatMap(({ pytorch }) => (pytorch === null ? [] : [[pytorch.device, pytorch]])));
  const threads = (count: number | null) => (count === null ? '' : `, ${count} threads`);
  return [
    `Images are slices, ${work.batch} a step, each as two views; the median of ${blocks} blocks. Views, loss, clipping and AdamW are timed too.`,
    ...[...engines].map(([kind, { description, threads: count }]) => `${kind}: ${description}${threads(count)}`),
    ...[...references.values()].map(
      ({ description, device, threads: count }) => `${description} on ${device}${threads(count)}`,
    ),
  ];
}

export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
