import type { Delimiter } from './delimiter.ts';

/** Cells of one line. Cells may be quoted, with doubled quotation marks inside; a cell cannot span lines. */
export function splitLine(line: string, delimiter: Delimiter): string[] {
  if (!line.includes('"')) return line.split(delimiter);
  const cells: string[] = [];
  let at = 0;
  while (at <= line.length) {
    if (line[at] !== '"') {
      const found = line.indexOf(delimiter, at);
      const end = found < 0 ? line.length : found;
      cells.push(line.slice(at, end));
      at = end + 1;
      continue;
    }
    let close = line.indexOf('"', at + 1);
    while (close >= 0 && line[close + 1] === '"') close = line.indexOf('"', close + 2);
    if (close < 0) close = line.length;
    const found = line.indexOf(delimiter, close);
    const end = found < 0 ? line.length : found;
    cells.push(line.slice(at + 1, close).replaceAll('""', '"') + line.slice(close + 1, end));
    at = end + 1;
  }
  return cells;
}
