/** What each hospital counted in its own data, and what it could not use. */

import type { Inventory } from '@wardround/protocols/session/messages.ts';
import { formatCount } from '../format-figure.ts';
import { reasonText } from '../reason-text.ts';
import type { Report } from '../report-schema.ts';
import { html, type Markup } from './markup.ts';
import { table } from './table.ts';

const counts: readonly (readonly [keyof Inventory, string])[] = [
  ['patients', 'patients'],
  ['series', 'CT series'],
  ['slices', 'slices used'],
  ['nonHounsfieldSeries', 'series without Hounsfield units'],
  ['clinical', 'with clinical data'],
  ['expression', 'with expression'],
  ['linked', 'CT and another modality'],
  ['heldOut', 'held out'],
];

export function dataSection({ data, quarantine }: Report): Markup {
  const setAside = Object.entries(quarantine).flatMap(([site, reasons]) =>
    Object.entries(reasons)
      .filter(([, count]) => count > 0)
      .sort(([, a], [, b]) => b - a)
      .map(([reason, count]) => ({
        cells: [site, reasonText(reason, 'set-aside'), html`<code>${reason}</code>`, formatCount(count)],
      })),
  );
  return html`<section id="data" aria-labelledby="data-heading">
<h2 id="data-heading">Data</h2>
${table(
  'What each hospital could use. Counts only; nothing here belongs to one patient',
  [{ heading: 'hospital' }, ...counts.map(([, heading]) => ({ heading, numeric: true }))],
  [
    ...Object.entries(data).map(([site, inventory]) => ({
      cells: [site, ...counts.map(([key]) => formatCount(inventory[key]))],
    })),
    ...(Object.keys(data).length > 1
      ? [
          {
            cells: [
              'together',
              ...counts.map(([key]) =>
                formatCount(Object.values(data).reduce((sum, inventory) => sum + inventory[key], 0)),
              ),
            ],
            emphasis: true,
          },
        ]
      : []),
  ],
)}
<h3>Set aside</h3>
${
  setAside.length === 0
    ? html`<p>Every file, row and patient could be used.</p>`
    : html`<p>What could not be used was counted and left out; training went on without it.</p>
${table(
  'Input that could not be used, by hospital',
  [{ heading: 'hospital' }, { heading: 'what' }, { heading: 'code' }, { heading: 'how many', numeric: true }],
  setAside,
)}`
}
</section>`;
}
