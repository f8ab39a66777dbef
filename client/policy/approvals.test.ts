import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DamagedStateError } from '../state/state-file.ts';
import { awaitApproval } from '../training/rounds/await-approval.ts';
import { approveStudy, isApproved, isRevoked, listApproved, revokeStudy } from './approvals.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardround-approvals-'));
});
afterEach(() => rm(folder, { recursive: true }));

const study = 'a'.repeat(64);
const other = 'b'.repeat(64);
const listed = (hash: string) => isApproved(hash, { folder, rule: 'listed' });

describe('isApproved()', () => {
  test('is false until the very hash is approved', async () => {
    expect(await listed(study)).toBe(false);
    await approveStudy(study, { folder, nowMillis: 1 });
    await approveStudy(study, { folder, nowMillis: 2 });
    expect(await listed(study)).toBe(true);
    expect(await listed(other)).toBe(false);
  });

  test('is true for every study only when the site said so', async () => {
    expect(await isApproved(other, { folder, rule: 'any' })).toBe(true);
  });

  test('approves nothing from a damaged list', async () => {
    await approveStudy(study, { folder, nowMillis: 1 });
    await writeFile(join(folder, 'approvals.json'), `{"approved":[{"study":"${study}"`);
    await expect(listed(study)).rejects.toThrow(DamagedStateError);
    await expect(listed(study)).rejects.toThrow('approve each study again');
  });
});

describe('revokeStudy()', () => {
  test('takes an approval back, also where every study is approved, until it is approved again', async () => {
    await approveStudy(study, { folder, nowMillis: 1 });
    await approveStudy(other, { folder, nowMillis: 2 });
    await revokeStudy(study, { folder, nowMillis: 3 });
    await revokeStudy(study, { folder, nowMillis: 4 });
    expect(await listed(study)).toBe(false);
    expect(await isRevoked(study, folder)).toBe(true);
    expect(await isApproved(study, { folder, rule: 'any' })).toBe(false);
    expect(await isApproved(other, { folder, rule: 'any' })).toBe(true);
    expect(await listApproved(folder)).toEqual([other]);
    await approveStudy(study, { folder, nowMillis: 5 });
    expect(await listed(study)).toBe(true);
    expect(await isRevoked(study, folder)).toBe(false);
  });
});

describe('awaitApproval()', () => {
  const wait = (signal: AbortSignal, onWaiting: () => void) =>
    awaitApproval(study, { folder, rule: 'listed', signal, onWaiting, lookAgainMillis: 5 });

  test('waits until another process approves, saying so once', async () => {
    let said = 0;
    const waiting = wait(new AbortController().signal, () => {
      said += 1;
    });
    await delay(30);
    await approveStudy(study, { folder, nowMillis: 1 });
    await waiting;
    expect(said).toBe(1);
  });

  test('ends with the signal, and says nothing when there is nothing to wait for', async () => {
    const stop = new AbortController();
    const waiting = wait(stop.signal, () => stop.abort());
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    await approveStudy(study, { folder, nowMillis: 1 });
    await wait(new AbortController().signal, () => expect.unreachable());
  });
});
