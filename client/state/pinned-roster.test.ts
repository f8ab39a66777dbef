import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADMINISTRATOR } from '@wardround/protocols/enrolment/roster.ts';
import { nextRoster } from '@wardround/protocols/enrolment/roster-chain.ts';
import { approveRoster } from '@wardround/protocols/enrolment/roster-signatures.ts';
import { fingerprint, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pinChain, pinnedChain, pinnedRoster } from './pinned-roster.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pinned-roster-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('pinnedRoster()', () => {
  test('gives the newest epoch of the pinned chain', async () => {
    const administrator = generateIdentity();
    const at = { coordinator: fingerprint(publicKeys(administrator)), nowMillis: 1 };
    const roster = nextRoster(null, { add: [{ site: 'bern', ...publicKeys(generateIdentity()) }] }, at);
    const signed = { roster, approvals: [approveRoster(roster, { by: ADMINISTRATOR, identity: administrator })] };
    await pinChain(folder, [signed]);
    expect(await pinnedRoster(folder)).toEqual(roster);
    expect(await pinnedChain(folder)).toEqual([signed]);
  });

  test('refuses to answer when nothing is pinned', async () => {
    expect(await pinnedChain(folder)).toEqual([]);
    await expect(pinnedRoster(folder)).rejects.toThrow('has pinned no roster yet');
  });

  test('believes no damaged file', async () => {
    await writeFile(join(folder, 'roster.json'), '{"format":"wardround-site-roster/1","chain":[]}');
    await expect(pinnedRoster(folder)).rejects.toThrow('Cannot use roster.json');
  });
});
