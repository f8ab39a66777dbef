/**
 * The numbers of this site's signed requests: each greater than all before, none used twice, also not after a crash or by two
 * programs on one folder. They are taken from the disk in blocks; what a program does not use of its block is lost.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DiskFullError } from '../link/errors.ts';
import { DamagedStateError } from './state-file.ts';

export interface SequenceNumbers {
  /** @throws {DamagedStateError | DiskFullError} */
  next(): number;
  /**
   * Goes on from here at least: the coordinator has seen all numbers below.
   *
   * @returns whether the numbers on the disk were behind, as in a folder that was put back to an older state.
   * @throws {DamagedStateError | DiskFullError}
   */
  goOnFrom(least: number): boolean;
}

/**
 * A part of the coordinator's window of 1,024 numbers: several programs on one folder, each with a block of its own, stay
 * inside it together.
 */
const BLOCK_SIZE = 128;
const LOCK_TIMEOUT_MILLIS = 5000;
const FILE = 'sequence.sqlite';
const SQLITE_FULL = 13;

export function openSequenceNumbers(folder: string): SequenceNumbers {
  let next = 0;
  let end = 0;

  const takeBlock = (least: number): { start: number; wasBehind: boolean } => {
    const kept = reserve(join(folder, FILE), least);
    next = Math.max(kept, least);
    end = next + BLOCK_SIZE;
    return { start: next, wasBehind: kept < least };
  };

  return {
    next() {
      if (next === end) takeBlock(0);
      return next++;
    },
    goOnFrom(least) {
      // Another request has been told the same already.
      if (next >= least && next < end) return false;
      return takeBlock(least).wasBehind;
    },
  };
}

/** @returns the first number that nobody had, before the block from there or from `least` was taken. */
function reserve(file: string, least: number): number {
  try {
    const database = new DatabaseSync(file, { timeout: LOCK_TIMEOUT_MILLIS });
    try {
      database.exec('PRAGMA synchronous = FULL; BEGIN IMMEDIATE');
      database.exec(
        'CREATE TABLE IF NOT EXISTS sequence (id INTEGER PRIMARY KEY CHECK (id = 1), next INTEGER NOT NULL)',
      );
      const kept = Number(database.prepare('SELECT next FROM sequence').get()?.['next'] ?? 0);
      const after = Math.max(kept, least) + BLOCK_SIZE;
      database.prepare('INSERT OR REPLACE INTO sequence VALUES (1, ?)').run(after);
      database.exec('COMMIT');
      return kept;
    } finally {
      database.close();
    }
  } catch (error) {
    const { errcode } = error as { errcode?: number };
    if (errcode === SQLITE_FULL) {
      throw new DiskFullError(
        'Cannot take numbers for requests: the disk of the site’s folder is full. Make room; the client goes on then.',
      );
    }
    throw new DamagedStateError(
      `Cannot take numbers for requests from ${FILE} in the site's folder (SQLite error ${errcode ?? 'unknown'}). ` +
        'If the file is damaged, remove it: the coordinator says where the numbers go on.',
    );
  }
}
