import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canMount, limitedShell, mountFullDisk } from './full-disk.ts';

let folder: string;
let isMountable: boolean;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'full-disk-'));
  isMountable = canMount(path.join(folder, 'probe'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a full disk', () => {
  test('takes no byte more until there is room, where one can be mounted', ({ annotate }) => {
    if (!isMountable) return annotate('nothing may be mounted here: the limit on files below takes its place');
    const disk = mountFullDisk(path.join(folder, 'disk'), { kibibytes: 256 });
    try {
      const file = path.join(disk.folder, 'ledger');
      writeFileSync(file, 'before');
      disk.fill();
      expect(() => writeFileSync(path.join(disk.folder, 'more'), Buffer.alloc(8192))).toThrow(/ENOSPC/);
      expect(readFileSync(file, 'utf8')).toBe('before');
      disk.makeRoom();
      writeFileSync(path.join(disk.folder, 'more'), Buffer.alloc(8192));
    } finally {
      disk.close();
    }
  });

  test('fails the writes of a program whose files may not grow, and does not kill it', () => {
    const file = path.join(folder, 'limited');
    const program = `
      const { writeFileSync } = require('node:fs');
      writeFileSync(${JSON.stringify(file)}, Buffer.alloc(1000));
      try { writeFileSync(${JSON.stringify(file)}, Buffer.alloc(100_000)); } catch (error) { console.log(error.code); }`;
    const limited = limitedShell(16, [process.execPath, '-e', program]);
    const { stdout, status } = spawnSync(limited.file, limited.arguments, { encoding: 'utf8' });
    expect([stdout.trim(), status]).toEqual(['EFBIG', 0]);
  });
});
