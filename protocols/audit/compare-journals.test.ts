import { describe, expect, test } from 'vitest';
import { compareJournals } from './compare-journals.ts';
import type { LogRecord } from './log-record.ts';

const study = 'a'.repeat(64);
const hash = (byte: string) => byte.repeat(64);

function logged(...events: readonly string[]): LogRecord[] {
  return events.map((event, position) => {
    const links = { seq: position, atMillis: 1, prevHash: hash('0'), hash: hash('1') };
    return { kind: 'study-event', study, position, event: hash(event), ...links };
  });
}

function compare(records: readonly LogRecord[], ...events: readonly string[]) {
  return compareJournals(records, events.length === 0 ? [] : [{ study, events: events.map(hash) }]);
}

describe('compareJournals()', () => {
  test('names the entries that the log has not got yet', () => {
    expect(compare(logged('b', 'c'), 'b', 'c')).toEqual({ ok: true, missing: [] });
    expect(compare(logged('b'), 'b', 'c')).toEqual({
      ok: true,
      missing: [{ kind: 'study-event', study, position: 1, event: hash('c') }],
    });
  });

  test('finds a journal that was rewritten, cut or removed', () => {
    expect(compare(logged('b', 'c'), 'b', 'd')).toMatchObject({ ok: false, fault: { kind: 'forked' } });
    expect(compare(logged('b', 'c'), 'b')).toMatchObject({ ok: false, fault: { kind: 'rolled-back' } });
    expect(compare(logged('b', 'c'))).toMatchObject({ ok: false, fault: { kind: 'rolled-back' } });
  });

  test('finds a log that skips an event', () => {
    expect(compare(logged('b', 'c').slice(1), 'b', 'c')).toMatchObject({ ok: false, fault: { kind: 'mismatch' } });
  });
});
