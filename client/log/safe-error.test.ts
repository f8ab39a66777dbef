import { readFile } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { safeError, safeSentence } from './safe-error.ts';
import { createSiteLog } from './site-log.ts';

const canary = 'canary-patient-7731';

async function thrownBy(action: () => unknown): Promise<unknown> {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

const leaky: [string, () => unknown][] = [
  ['a file that is not there', () => readFile(`/data/${canary}/scan.dcm`)],
  ['JSON that is not', () => JSON.parse(`{"name": ${canary}`)],
  ['an address that is none', () => new URL(`:${canary}`)],
  ['an error of somebody else', () => Promise.reject(new Error(`bad row: ${canary}`))],
  [
    'an error with a cause and properties',
    () => {
      throw Object.assign(new Error('Cannot go on', { cause: new Error(canary) }), { path: canary, code: canary });
    },
  ],
  [
    'a thrown text',
    () => {
      throw canary;
    },
  ],
];

describe('safeError()', () => {
  test.each(leaky)('tells kind and place of %s, not its content', async (_, action) => {
    const error = await thrownBy(action);
    expect(JSON.stringify(safeError(error))).not.toContain(canary);
    expect(safeSentence(error)).not.toContain(canary);
  });

  test('keeps this program’s own sentences and the system’s codes', async () => {
    expect(safeSentence(new RangeError('Cannot place the tensor: too large.'))).toBe(
      'Cannot place the tensor: too large.',
    );
    const missing = await thrownBy(() => readFile('/absent'));
    expect(safeSentence(missing)).toMatch(/^Unexpected Error \(ENOENT\)/);
  });

  test('names the file and line of this program, without folders', () => {
    expect(safeError(new Error('x')).where).toMatch(/^safe-error\.test\.ts:\d+$/);
  });
});

describe('createSiteLog()', () => {
  test.each(leaky)('writes %s as one JSON line without its content', async (_, action) => {
    let text = '';
    const log = createSiteLog(
      new Writable({
        write(piece, _encoding, done) {
          text += piece;
          done();
        },
      }),
    );
    const error = await thrownBy(action);
    log.error({ error, err: error }, 'Something failed');
    log.error(error instanceof Error ? error : { error }, 'Something failed');
    expect(text).not.toContain(canary);
    for (const line of text.trim().split('\n'))
      expect(JSON.parse(line)).toMatchObject({ level: 'error', msg: 'Something failed' });
  });
});
