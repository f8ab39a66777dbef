/** A table in plain text: columns as wide as their widest cell, numbers to the right. */
export interface TextColumn {
  readonly heading: string;
  readonly numeric?: boolean;
}

export function textTable(columns: readonly TextColumn[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map(({ heading }, index) =>
    Math.max(heading.length, ...rows.map((row) => (row[index] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    columns
      .map(({ numeric }, index) => {
        const cell = cells[index] ?? '';
        return numeric === true ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!);
      })
      .join('  ')
      .trimEnd();
  return [
    line(columns.map(({ heading }) => heading)),
    widths.map((width) => '─'.repeat(width)).join('──'),
    ...rows.map(line),
  ];
}
