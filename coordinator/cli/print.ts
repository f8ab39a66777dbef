/** What commands write: results to the standard output, everything else to the standard error. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** For the person at the terminal, apart from the result. */
export function printNote(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A table with aligned columns. */
export function printRows(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows)
    print(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}
