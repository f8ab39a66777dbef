import { describe, expect, test } from 'vitest';
import { databasePlace } from './database-place.ts';

const file = 'coordinator.sqlite';

describe('databasePlace()', () => {
  test('is the file without a URL', () => {
    expect(databasePlace(file, null)).toEqual({ kind: 'sqlite', file });
  });

  test.each([
    ['postgresql://u:p@host:5433/db', 'postgresql://u:p@host:5433/db', 'wardround'],
    ['postgres:///db?host=/run/postgresql', 'postgres:///db?host=%2Frun%2Fpostgresql', 'wardround'],
    ['postgresql://host/db?schema=second', 'postgresql://host/db', 'second'],
    ['postgresql://host/db?schema=b_2&sslmode=verify-full', 'postgresql://host/db?sslmode=verify-full', 'b_2'],
  ])('reads %s', (databaseUrl, url, namespace) => {
    expect(databasePlace(file, databaseUrl)).toEqual({ kind: 'postgresql', url, namespace });
  });

  test.each([
    'mysql://u:secret@host/db',
    'u:secret@host',
    'postgresql://u:secret@host/db?schema=pg_toast',
    'postgresql://u:secret@host/db?schema=a;secret',
    'postgresql://u:secret@host/db?schema=',
  ])('refuses another address, and does not show it', (databaseUrl) => {
    expect(() => databasePlace(file, databaseUrl)).toThrow(SyntaxError);
    expect(() => databasePlace(file, databaseUrl)).not.toThrow(/secret/);
  });
});
