import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AlreadyRunningError, lockInstance } from './instance-lock.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wardround-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('lockInstance()', () => {
  test('lets one holder in at a time, says what holds it, and lets the next in afterwards', () => {
    const lock = join(folder, 'lock.sqlite');
    const unlock = lockInstance(lock, { program: 'coordinator' });
    expect(() => lockInstance(lock, { program: 'coordinator' })).toThrow(AlreadyRunningError);
    expect(() => lockInstance(lock, { program: 'coordinator' })).toThrow(/another coordinator is running/);
    unlock();
    lockInstance(lock, { program: 'coordinator' })();
  });
});
