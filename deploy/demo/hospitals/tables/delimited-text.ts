/** Writes tables as text: comma-separated by RFC 4180, or tab-separated. */

export interface DelimitedTextStyle {
  separator: ',' | '\t';
  lineEnd: '\n' | '\r\n';
  /** Some spreadsheet programs begin UTF-8 files with this mark. */
  byteOrderMark: boolean;
}

export function writeDelimitedText(rows: readonly (readonly string[])[], style: DelimitedTextStyle): string {
  const lines = rows.map((cells) => cells.map((cell) => quote(cell, style.separator)).join(style.separator));
  return `${style.byteOrderMark ? '\ufeff' : ''}${lines.join(style.lineEnd)}${style.lineEnd}`;
}

function quote(cell: string, separator: string): string {
  const needsQuotes = cell.includes(separator) || cell.includes('"') || cell.includes('\n') || cell.includes('\r');
  return needsQuotes ? `"${cell.replaceAll('"', '""')}"` : cell;
}
