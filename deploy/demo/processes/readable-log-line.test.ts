import { describe, expect, test } from 'vitest';
import { readableLogLine } from './readable-log-line.ts';

describe('readableLogLine()', () => {
  test('takes a pino line apart', () => {
    expect(
      readableLogLine('{"level":40,"time":1,"pid":2,"hostname":"a","msg":"site left out","site":"st-olaf","round":2}'),
    ).toBe('warn   site left out  site=st-olaf  round=2');
  });

  test.each(['plain text', '{"not": "a log line"}', '{broken', ''])('leaves %j as it is', (line) => {
    expect(readableLogLine(line)).toBe(line);
  });
});
