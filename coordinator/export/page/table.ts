/** An accessible table: a caption, headings with a scope, and a frame that scrolls by keyboard when it is too wide. */
import { html, type Markup } from './markup.ts';

export interface Column {
  readonly heading: string;
  /** Numbers are set right with figures of equal width. */
  readonly numeric?: boolean;
}

export interface Row {
  /** The first cell names the row. */
  readonly cells: readonly (string | Markup)[];
  /** Set apart, for the line a reader looks for. */
  readonly emphasis?: boolean;
}

export function table(caption: string, columns: readonly Column[], rows: readonly Row[]): Markup {
  return html`<div class="table" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${columns.map(({ heading, numeric }) => html`<th scope="col"${numberClass(numeric)}>${heading}</th>`)}</tr></thead>
<tbody>
${rows.map(
  ({ cells, emphasis }) => html`<tr${emphasis ? html` class="emphasis"` : null}>${cells.map((cell, index) =>
    index === 0 ? html`<th scope="row">${cell}</th>` : html`<td${numberClass(columns[index]?.numeric)}>${cell}</td>`,
  )}</tr>
`,
)}</tbody></table></div>`;
}

function numberClass(numeric: boolean | undefined): Markup | null {
  return numeric === true ? html` class="number"` : null;
}
