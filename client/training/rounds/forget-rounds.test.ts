import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SiteState } from '@wardround/protocols/secure-aggregation/site-state.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keepPlace, readPlace } from '../../state/kept-place.ts';
import { keepSession, readKeptSession, vectorFile } from '../../state/kept-session.ts';
import { type KeptUpdate, keepUpdate, readKeptUpdate } from '../../state/kept-update.ts';
import { outboxFile } from '../../state/outbox.ts';
import { openSiteIdentity } from '../../state/site-identity.ts';
import { forgetRounds, studiesToForget } from './forget-rounds.ts';

const study = sha256Hex('study');
const other = sha256Hex('other study');
const figures = { loss: 1, steps: 1, samples: 1, seconds: 1 };
const model = sha256Hex('model');
const terms = { study, stage: 'slices', round: 3, attempt: 1 };
/** What must not be found afterwards: the trained vector, what was masked and what was sealed. */
const leftovers = ['vbytes', 'mbytes', 'sbytes', '/share-keys'];
let folder = '';
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wardround-forget-'));
  await mkdir(join(folder, 'outbox'));
  await openSiteIdentity(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A document that the site acted on, as the coordinator signed it. */
const said = (of: string, stage: string, round: number) => ({
  path: `/v1/studies/${of}/stages/${stage}/rounds/${round}/attempts/1/share-keys`,
  document: sha256Hex('document'),
  signature: 's'.repeat(86),
});

/** A site that left a session after it had masked its vector. */
async function leaveSession(of: string, stage: string, round: number): Promise<string> {
  const party = {
    phase: 'masked',
    terms,
    site: 'clinic',
    heldShares: 'secret-share',
    last: {},
  } as unknown as SiteState;
  const blob = sha256Hex(`masked ${of} ${stage}`);
  await keepSession(folder, {
    ...{ study: of, stage, round, model, figures, party },
    ...{ hasVector: true, masked: { blob, bytes: 6 }, said: [said(of, stage, round)] },
  });
  await writeFile(await vectorFile(folder, { study: of, stage }), 'vbytes');
  await writeFile(outboxFile(folder, blob), 'mbytes');
  return blob;
}

async function leaveUpdate(of: string, stage: string, round: number): Promise<KeptUpdate> {
  const blob = sha256Hex(`sealed ${of} ${stage}`);
  await writeFile(outboxFile(folder, blob), 'sbytes');
  const update = {
    format: 'wardround-site-update/1',
    study: of,
    stage,
    round,
    model,
    sites: 3,
    sealingKey: 'k',
  } as const;
  const kept = { ...update, blob, bytes: 6, layout: model, figures, epsilon: null, hasResidual: false };
  await keepUpdate(folder, kept);
  return kept;
}

const everything = async () => {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const texts = files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), 'utf8'));
  return (await Promise.all(texts)).join('\n');
};

describe('forgetRounds()', () => {
  test('leaves of a revealed round that it was revealed, and not what the coordinator said in it', async () => {
    const party = { phase: 'revealed', terms, site: 'clinic', last: {} } as unknown as SiteState;
    const kept = { study, stage: 'slices', round: 3, model, figures, party, hasVector: false, masked: null };
    await keepSession(folder, { ...kept, said: [said(study, 'slices', 3)] });
    expect(await studiesToForget(folder)).toEqual(new Set([study]));
    await forgetRounds(folder, study, null);
    expect(await readKeptSession(folder, { study, stage: 'slices' })).toEqual(kept);
    expect(await studiesToForget(folder)).toEqual(new Set());
  });

  test('leaves what the present round may still need', async () => {
    const blob = await leaveSession(study, 'slices', 3);
    const update = await leaveUpdate(study, 'slices', 3);
    await forgetRounds(folder, study, { stage: 'slices', round: 3 });
    expect(await readKeptSession(folder, { study, stage: 'slices' })).toMatchObject({
      hasVector: true,
      masked: { blob },
    });
    expect(await readKeptUpdate(folder, update)).toEqual(update);
    expect((await readdir(join(folder, 'outbox'))).sort()).toEqual([blob, update.blob].sort());
  });

  test.each([
    ['a later round', { stage: 'slices', round: 4 }],
    ['another stage', { stage: 'alignment', round: 1 }],
    ['no round any more', null],
  ])('removes the vector, the secrets and the sealed bytes when the study is at %s, and remembers the round', async (_, current) => {
    await leaveSession(study, 'slices', 3);
    await leaveUpdate(study, 'slices', 3);
    const before = await everything();
    for (const leftover of leftovers) expect(before).toContain(leftover);
    await forgetRounds(folder, study, current);
    const kept = await readKeptSession(folder, { study, stage: 'slices' });
    expect(JSON.stringify(kept)).not.toContain('secret-share');
    expect(kept).toMatchObject({
      round: 3,
      hasVector: false,
      masked: null,
      party: { phase: 'aborted', reason: 'stopped' },
    });
    expect(await readdir(join(folder, 'outbox'))).toEqual([]);
    expect(await readKeptUpdate(folder, { study, stage: 'slices' })).toBeNull();
    const left = await everything();
    for (const leftover of leftovers) expect(left).not.toContain(leftover);
    expect((await readdir(join(folder, 'sessions'))).sort()).toEqual([`${study}-slices.json`]);
  });

  test('leaves other studies alone', async () => {
    const blob = await leaveSession(other, 'slices', 1);
    const update = await leaveUpdate(other, 'alignment', 1);
    await leaveSession(study, 'slices', 3);
    await forgetRounds(folder, study, null);
    expect(await readKeptSession(folder, { study: other, stage: 'slices' })).toMatchObject({ hasVector: true });
    expect(await readKeptUpdate(folder, update)).toEqual(update);
    expect((await readdir(join(folder, 'outbox'))).sort()).toEqual([blob, update.blob].sort());
  });

  test('removes a vector without a session, an interrupted write and the place of another stage', async () => {
    const training = { study, stage: 'slices', round: 1, model, sliceEncoder: null, local: null, data: model };
    await keepPlace(folder, training, { steps: 1, optimisers: {}, sums: {}, secret: null });
    await writeFile(await vectorFile(folder, { study, stage: 'slices' }), 'vbytes');
    await writeFile(outboxFile(folder, '.1234.tmp'), 'half');
    await forgetRounds(folder, study, { stage: 'slices', round: 1 });
    expect((await readPlace(folder, training))?.steps).toBe(1);
    await forgetRounds(folder, study, { stage: 'alignment', round: 1 });
    expect(await readdir(folder, { recursive: true })).not.toContain(`sessions/${study}-slices.vector`);
    for (const store of ['training', 'outbox', 'sessions']) expect(await readdir(join(folder, store))).toEqual([]);
  });
});
