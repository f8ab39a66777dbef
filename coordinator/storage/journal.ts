/**
 * The studies' journals: events in order, each chained to the one before by its hash, so that a damaged or edited
 * journal is noticed before anything is built on it. An append is durable when it returns.
 */
import type { DatabaseSync } from 'node:sqlite';
import { StudyEvent } from '@wardround/protocols/round/events.ts';
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import { type Sha256Hex, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { inTransaction } from './database.ts';

export interface Journal {
  /** The studies in the order of their launch. */
  studies(): Promise<Sha256Hex[]>;
  /** @throws {JournalDamagedError} when what is stored is not what was appended. */
  read(study: Sha256Hex): Promise<StudyEvent[]>;
  /**
   * Appends all the events or none.
   *
   * @param position how many events the journal has: a second writer fails instead of overwriting.
   */
  append(study: Sha256Hex, events: readonly StudyEvent[], position: number): Promise<void>;
}

export class JournalDamagedError extends Error {
  override readonly name = 'JournalDamagedError';
}

export function createJournal(database: DatabaseSync): Journal {
  const listStudies = database.prepare('SELECT study, event FROM events WHERE seq = 0');
  const readEvents = database.prepare('SELECT seq, event, hash FROM events WHERE study = ? ORDER BY seq');
  const readHead = database.prepare('SELECT seq, hash FROM events WHERE study = ? ORDER BY seq DESC LIMIT 1');
  const insert = database.prepare('INSERT INTO events (study, seq, event, hash) VALUES (?, ?, ?, ?)');

  return {
    async studies() {
      return listStudies
        .all()
        .map((row) => ({ study: String(row['study']), launchedAtMillis: parse(row['event']).atMillis }))
        .sort((a, b) => a.launchedAtMillis - b.launchedAtMillis || (a.study < b.study ? -1 : 1))
        .map(({ study }) => study);
    },

    async read(study) {
      let previous = '';
      return readEvents.all(study).map((row, index) => {
        const hash = chainHash(previous, String(row['event']));
        if (row['seq'] !== index || row['hash'] !== hash) throw damaged(study, index);
        previous = hash;
        try {
          return parse(row['event']);
        } catch {
          throw damaged(study, index);
        }
      });
    },

    async append(study, events, position) {
      inTransaction(database, () => {
        const head = readHead.get(study);
        const next = head === undefined ? 0 : Number(head['seq']) + 1;
        if (next !== position) {
          throw new RangeError(
            `Cannot append to the journal: it should have ${position} events, found ${next}. Another process writes to it.`,
          );
        }
        let previous = String(head?.['hash'] ?? '');
        events.forEach((event, index) => {
          const text = canonicalJson(event);
          previous = chainHash(previous, text);
          insert.run(study, position + index, text, previous);
        });
      });
    },
  };
}

function chainHash(previous: string, text: string): Sha256Hex {
  return sha256Hex(`wardround/journal/1\n${previous}\n${text}`);
}

function parse(text: unknown): StudyEvent {
  return StudyEvent.parse(JSON.parse(String(text)));
}

function damaged(study: Sha256Hex, position: number): JournalDamagedError {
  return new JournalDamagedError(
    `Cannot read the journal of study ${study.slice(0, 12)}: event ${position} is not what was written. ` +
      'Restore the state folder from a backup; nothing was changed.',
  );
}
