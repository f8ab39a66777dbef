/** Files as a crash or a bad disk leaves them: torn off at a byte, or with a bit that turned over. */
import { closeSync, openSync, readSync, statSync, truncateSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** Keeps the first bytes alone. */
export function tearFile(file: string, { keepBytes }: { readonly keepBytes: number }): void {
  const { size } = statSync(file);
  if (keepBytes < 0 || keepBytes >= size) {
    throw new RangeError(`Cannot tear the file: needed from 0 to ${size - 1} bytes to keep, found ${keepBytes}`);
  }
  truncateSync(file, keepBytes);
}

/** Turns one bit over; the same call again undoes it. */
export function flipBit(file: string, { byte, bit = 0 }: { readonly byte: number; readonly bit?: number }): void {
  const handle = openSync(file, 'r+');
  try {
    const one = Buffer.alloc(1);
    if (readSync(handle, one, 0, 1, byte) !== 1) {
      throw new RangeError(`Cannot turn a bit over: the file has no byte ${byte}`);
    }
    one[0] = one[0]! ^ (1 << bit);
    writeSync(handle, one, 0, 1, byte);
  } finally {
    closeSync(handle);
  }
}

/** Changes an event of a journal where it lies in SQLite, past every program: the database stays whole, the event does not. */
export function editJournal(
  databaseFile: string,
  { position, edit }: { readonly position: number; readonly edit: (event: string) => string },
): void {
  using database = new DatabaseSync(databaseFile);
  const row = database.prepare('SELECT event FROM events WHERE seq = ?').get(position);
  if (row === undefined) throw new RangeError(`Cannot edit the journal: it has no event ${position}`);
  database.prepare('UPDATE events SET event = ? WHERE seq = ?').run(edit(String(row['event'])), position);
}
