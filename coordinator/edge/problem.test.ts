import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { DatabaseUnavailableError } from '../storage/database-errors.ts';
import { problemOf } from './problem.ts';

describe('problemOf()', () => {
  test('says nothing about what it does not know but an id that the log explains', () => {
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(line) });
    const { status, problem } = problemOf(new TypeError('Mustermann, Erika'), log);
    expect([status, problem.code]).toEqual([500, 'internal-error']);
    const id = /[0-9a-f-]{36}/.exec(problem.message)?.[0];
    expect(JSON.parse(lines[0]!)).toMatchObject({ id, error: { name: 'TypeError' } });
    expect(lines.join() + problem.message).not.toContain('Mustermann');
  });

  test.each([
    ['a file', Object.assign(new Error('x'), { code: 'ENOSPC' })],
    ['a quota', Object.assign(new Error('x'), { code: 'EDQUOT' })],
    ['SQLite', Object.assign(new Error('x'), { code: 'ERR_SQLITE_ERROR', errcode: 13 })],
    ['PostgreSQL', Object.assign(new Error('x'), { code: '53100' })],
  ])('names a full disk, found by %s', (_, error) => {
    expect(problemOf(error, pino({ level: 'silent' }))).toMatchObject({
      status: 507,
      problem: { code: 'storage-full' },
    });
  });

  test('asks to come again while the database is away', () => {
    expect(problemOf(new DatabaseUnavailableError('x'), pino({ level: 'silent' }))).toMatchObject({
      status: 503,
      problem: { code: 'database-unavailable' },
      retryAfterSeconds: 5,
    });
  });
});
