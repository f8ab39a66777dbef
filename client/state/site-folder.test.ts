import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AlreadyRunningError } from '@wardround/shared/files/instance-lock.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isSiteRunning, lockSiteFolder } from './instance-lock.ts';
import { openSiteFolder } from './site-folder.ts';
import { openSiteIdentity, readSiteIdentity } from './site-identity.ts';
import { DamagedStateError } from './state-file.ts';

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'wardround-site-'));
});
afterEach(() => rm(parent, { recursive: true }));

describe('openSiteFolder()', () => {
  test('makes a folder that only its owner can enter, and closes one that others could', async () => {
    const folder = await openSiteFolder(join(parent, 'new', 'site'));
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    await chmod(folder, 0o755);
    await openSiteFolder(folder);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  test('says what to do when a file is in the way, without repeating the path', async () => {
    await writeFile(join(parent, 'file'), '');
    for (const path of [join(parent, 'file'), join(parent, 'file', 'below')]) {
      const opening = openSiteFolder(path);
      await expect(opening).rejects.toThrow(/^Cannot use the site's folder.*--state/);
      await expect(opening).rejects.not.toThrow(parent);
    }
  });
});

describe('openSiteIdentity()', () => {
  test('makes keys once and keeps them', async () => {
    expect(await readSiteIdentity(parent)).toBeNull();
    const identity = await openSiteIdentity(parent);
    expect(await openSiteIdentity(parent)).toEqual(identity);
    expect((await stat(join(parent, 'identity.json'))).mode & 0o777).toBe(0o600);
  });

  test('never replaces a damaged identity by a new one', async () => {
    await writeFile(join(parent, 'identity.json'), '{"format":"wardround-identity/1","signingSeed":"canary-7731"');
    const opening = openSiteIdentity(parent);
    await expect(opening).rejects.toThrow(DamagedStateError);
    await expect(opening).rejects.toThrow('Restore it from a backup');
    await expect(opening).rejects.not.toThrow('canary');
    await rm(join(parent, 'identity.json'));
    await mkdir(join(parent, 'identity.json'));
    await expect(openSiteIdentity(parent)).rejects.toThrow(DamagedStateError);
  });
});

describe('lockSiteFolder()', () => {
  test('lets one client in at a time', () => {
    const unlock = lockSiteFolder(parent);
    expect(() => lockSiteFolder(parent)).toThrow(AlreadyRunningError);
    expect(isSiteRunning(parent)).toBe(true);
    unlock();
    expect(isSiteRunning(parent)).toBe(false);
    lockSiteFolder(parent)();
  });

  test('is free again after its process was killed', async () => {
    const lock = new URL('./instance-lock.ts', import.meta.url).href;
    const script = `const { lockSiteFolder } = await import(${JSON.stringify(lock)}); lockSiteFolder(${JSON.stringify(parent)}); console.log('held'); setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    expect(isSiteRunning(parent)).toBe(true);
    const gone = new Promise((resolve) => holder.once('exit', resolve));
    holder.kill('SIGKILL');
    await gone;
    expect(isSiteRunning(parent)).toBe(false);
  });
});
