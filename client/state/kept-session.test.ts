import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SiteState } from '@wardround/protocols/secure-aggregation/site-state.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { generateIdentity } from '@wardround/shared/crypto/identity.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type KeptSession, keepSession, readKeptSession, resealSessions } from './kept-session.ts';
import { openSiteIdentity, readSiteIdentity, replaceSiteIdentity } from './site-identity.ts';
import { DamagedStateError } from './state-file.ts';

const reference = { study: sha256Hex('study'), stage: 'slices' };
const terms = { ...reference, round: 3, attempt: 1 };
const secrets = { maskSecret: 'MASK-SECRET', seed: 'OWN-MASK-SEED', shares: { other: { key: 'HELD-SHARE' } } };
const party = { phase: 'masking', terms, site: 'clinic', last: {}, ...secrets } as unknown as SiteState;
const session: KeptSession = {
  ...reference,
  round: 3,
  model: sha256Hex('model'),
  figures: { loss: 1, steps: 1, samples: 1, seconds: 1 },
  epsilon: null,
  hasVector: true,
  party,
  masked: { blob: sha256Hex('masked'), bytes: 6 },
};

let folder = '';
let file = '';
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wardround-session-'));
  file = join(folder, 'sessions', `${reference.study}-slices.json`);
  await openSiteIdentity(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const text = () => readFileSync(file, 'utf8');

describe('keepSession()', () => {
  test('leaves nothing secret in plain in the folder, and gives it back whole', async () => {
    await keepSession(folder, session);
    expect(await readKeptSession(folder, reference)).toEqual(session);
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    for (const path of files) {
      const bytes = await readFile(path);
      for (const secret of ['MASK-SECRET', 'OWN-MASK-SEED', 'HELD-SHARE']) {
        for (const encoding of ['utf8', 'base64', 'base64url', 'hex'] as const) {
          expect(bytes.includes(Buffer.from(secret).toString(encoding).slice(0, -2))).toBe(false);
        }
      }
    }
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test('keeps a round before its session without keys, and no secrets without keys', async () => {
    await rm(join(folder, 'identity.json'));
    await keepSession(folder, { ...session, party: null });
    expect(await readKeptSession(folder, reference)).toEqual({ ...session, party: null });
    await expect(keepSession(folder, session)).rejects.toThrow(DamagedStateError);
  });
});

describe('readKeptSession()', () => {
  test('opens what an earlier release has kept in plain; the next step seals it', async () => {
    await mkdir(join(folder, 'sessions'));
    await writeFile(file, JSON.stringify({ format: 'wardround-site-session/1', ...session }));
    const kept = await readKeptSession(folder, reference);
    expect(kept).toEqual(session);
    await keepSession(folder, kept!);
    expect(text()).not.toContain('MASK-SECRET');
    expect(await readKeptSession(folder, reference)).toEqual(session);
  });

  test('refuses a file that is cut, has other secrets or another round’s number in it, and says not to restore a copy', async () => {
    await keepSession(folder, session);
    const whole = text();
    const { sealedParty } = JSON.parse(whole);
    await keepSession(folder, { ...session, round: 4 });
    const other = JSON.parse(text()).sealedParty;
    const flipped = `${sealedParty.slice(0, 80)}${sealedParty[80] === 'A' ? 'B' : 'A'}${sealedParty.slice(81)}`;
    const damages = [
      whole.replace('"round": 3', '"round": 2'),
      whole.replace(sealedParty, other),
      whole.replace(sealedParty, flipped),
      whole.replace(sealedParty, ''),
      whole.replace('session/2', 'session/1'),
      whole.slice(0, Math.floor(whole.length / 2)),
    ];
    for (const damaged of damages) {
      await writeFile(file, damaged);
      const read = readKeptSession(folder, reference);
      await expect(read).rejects.toThrow(DamagedStateError);
      await expect(read).rejects.toThrow(/Do not restore an old copy/);
      await expect(read).rejects.not.toThrow(/MASK|SEED|SHARE/);
    }
  });

  test('refuses what was sealed with other keys', async () => {
    await keepSession(folder, session);
    await replaceSiteIdentity(folder, generateIdentity());
    await expect(readKeptSession(folder, reference)).rejects.toThrow(/with the keys of this site/);
  });
});

describe('resealSessions()', () => {
  test('makes what is kept readable with the new keys, also after a stop in the middle', async () => {
    const stages = ['slices', 'alignment'];
    for (const stage of stages) await keepSession(folder, { ...session, stage });
    const identity = (await readSiteIdentity(folder))!;
    const next = generateIdentity();
    await resealSessions(folder, { identity, next });
    // As when a stop came before the second file: one with the new keys, one with the old.
    await keepSession(folder, { ...session, stage: 'alignment' });
    await resealSessions(folder, { identity, next });
    await replaceSiteIdentity(folder, next);
    for (const stage of stages)
      expect(await readKeptSession(folder, { ...reference, stage })).toEqual({ ...session, stage });
  });
});
