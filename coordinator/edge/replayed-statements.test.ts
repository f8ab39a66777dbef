/** Faults 43 and 44: what comes again, in another order, too late or different, over real HTTP with real keys. */
import { readFile } from 'node:fs/promises';
import { verifyEvidence } from '@wardround/protocols/audit/verify-evidence.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { signRequest } from '@wardround/shared/crypto/signed-request.ts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { logFile } from '../audit/audit-folder.ts';
import { runCommandLine } from '../cli/run-command-line.ts';
import { databasePlace } from '../storage/database-place.ts';
import { createEvidenceTable, type StoredEvidence } from '../storage/evidence-table.ts';
import { openDatabaseForReading } from '../storage/open-database.ts';
import { stateFolder } from '../storage/state-folder.ts';
import { nextWork, startTestCoordinator, type TestCoordinator, testPlan } from '../testing/test-coordinator.ts';
import { madeUpUpdate, nextSequence, type TestAnswer, type TestSite } from '../testing/test-site.ts';
import { limits } from './limits.ts';

let coordinator: TestCoordinator;
let sites: TestSite[];
let study: string;

beforeAll(async () => {
  coordinator = await startTestCoordinator();
  sites = await coordinator.join('basel', 'bern', 'geneva');
  study = await coordinator.launch(testPlan({ quorum: 2, rounds: 2 }));
  for (const site of sites) await site.doWork(await nextWork(site));
});
afterAll(() => coordinator.close());

/** What was accepted, and what the next model follows from; that a site was refused is noted beside it. */
async function accepted(): Promise<string> {
  const { stages, sites: members } = (await coordinator.study(study)).state;
  const rounds = stages.flatMap(({ rounds: own }) =>
    own.map(({ accepted: updates, outcome }) => ({ updates, outcome })),
  );
  return JSON.stringify({ rounds, members });
}
const codeOf = ({ status, body }: TestAnswer) => [status, body.code ?? 'ok'];

async function kept(): Promise<StoredEvidence[]> {
  await using database = await openDatabaseForReading(databasePlace(stateFolder(coordinator.folder).database, null));
  return await createEvidenceTable(database).list();
}

/** What a site does in a round, without the offer. */
async function trained(site: TestSite) {
  const work = await nextWork(site);
  if (work.kind !== 'train') throw new Error(`${site.site} was asked to ${work.kind}`);
  const { sealed, offer } = await madeUpUpdate(work, site);
  await site.upload(sealed);
  return { offer, path: `/v1/studies/${work.study}/stages/${work.stage}/rounds/${work.round}/update` };
}

describe('an update that was accepted', () => {
  test('is acknowledged again when it is said again, and as recorded it counts no second time', async () => {
    const [basel] = sites as [TestSite];
    const { offer, path } = await trained(basel);
    const body = JSON.stringify(offer);
    const signed = { path, body, sequence: nextSequence(), nowMillis: Date.now() };
    const headers = record(basel, signed);
    const send = () => fetch(basel.coordinator.url + path, { method: 'POST', headers, body });
    const first = await send();
    expect([first.status, await first.json()]).toEqual([200, { ok: true }]);
    const before = await accepted();
    expect((await basel.post(path, offer)).body).toEqual({ ok: true });
    const replayed = await send();
    expect([replayed.status, await replayed.json()]).toMatchObject([401, { code: 'sequence-repeated' }]);
    expect(await accepted()).toBe(before);
    expect(await kept()).toEqual([]);
  });

  test('stands when the site says another one: 409, nothing changes, and both signed requests are kept', async () => {
    const [, bern] = sites as [TestSite, TestSite, TestSite];
    const { offer, path } = await trained(bern);
    expect((await bern.post(path, offer)).status).toBe(200);
    const before = await accepted();
    const others = [
      { ...offer, blob: 'b'.repeat(64) },
      { ...offer, figures: { ...offer.figures, loss: 1 } },
    ];
    for (const other of [...others, ...others]) {
      expect(codeOf(await bern.post(path, other))).toEqual([409, 'equivocation']);
    }
    expect(await accepted()).toBe(before);
    const [{ id, document, ...about } = { id: '', document: null }, ...more] = await kept();
    expect(more).toEqual([]);
    expect(about).toMatchObject({ kind: 'equivocation', site: 'bern', study });
    const { signingKey } = publicKeys(bern.identity);
    const bodies = [offer, others[0]].map((said) => sha256Hex(JSON.stringify(said)));
    const finding = verifyEvidence(document, { site: 'bern', signingKeys: [signingKey] });
    expect(finding).toEqual({ ok: true, site: 'bern', path, bodies });
    expect(JSON.stringify(document)).not.toContain(offer.blob);
    const log = await readFile(logFile(stateFolder(coordinator.folder).audit), 'utf8');
    expect(log.split('\n').filter((line) => line.includes(id))).toHaveLength(1);
  });

  test('is evidence that the command line lists and shows, and that another key does not fit', async () => {
    const printed: string[] = [];
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
    const print = vi.spyOn(console, 'log').mockImplementation((text) => void printed.push(String(text)));
    try {
      expect(await runCommandLine(['evidence', 'list', '--state', coordinator.folder])).toBe(0);
      const [{ id, document } = { id: '', document: null }] = await kept();
      expect(await runCommandLine(['evidence', 'show', id.slice(0, 12), '--state', coordinator.folder])).toBe(0);
      const text = printed.join('\n');
      expect(text).toMatch(/bern\s+equivocation\s+\S+\s+fit/);
      expect(text).toContain(id);
      const { signingKey } = publicKeys(generateIdentity());
      expect(verifyEvidence(document, { site: 'bern', signingKeys: [signingKey] }).ok).toBe(false);
    } finally {
      write.mockRestore();
      print.mockRestore();
    }
  });

  test('is refused at an address that is spelled otherwise', async () => {
    const [basel] = sites as [TestSite];
    const stage = 'slices';
    const path = `/v1/studies/${study}/stages/${stage}/rounds/1/update`;
    const offer = { blob: 'a'.repeat(64), model: 'b'.repeat(64), layout: 'c'.repeat(64) };
    const figures = { loss: 2, steps: 3, samples: 4, seconds: 0.5 };
    for (const spelling of [`${path}?x=1`, path.replace('slices', '%73lices')]) {
      expect(codeOf(await basel.post(spelling, { ...offer, figures }))).toEqual([404, 'not-found']);
    }
  });
});

describe('what comes late, in another order or from long ago', () => {
  test('changes nothing', async () => {
    const [basel, , geneva] = sites as [TestSite, TestSite, TestSite];
    const early = await basel.post(`/v1/studies/${study}/stages/slices/rounds/2/update`, {
      ...(await trained(geneva)).offer,
    });
    expect(early.status).toBe(409);
    const before = await accepted();
    const { path, offer } = await trained(geneva);
    const body = JSON.stringify(offer);
    const old = Date.now() - 600_000;
    const answer = await geneva.request('POST', path, { body, nowMillis: old });
    expect(codeOf(answer)).toEqual([401, 'clock-skew']);
    expect(await accepted()).toBe(before);
    expect(limits.clockToleranceMillis).toBeLessThan(600_000);
    expect((await geneva.post(path, offer)).status).toBe(200);
    const next = await nextWork(basel);
    expect(next).toMatchObject({ kind: 'train', round: 2 });
    const after = await accepted();
    // The previous round's: said again it stands, said otherwise it is refused.
    expect(codeOf(await geneva.post(path, offer))[0]).toBe(200);
    expect(codeOf(await geneva.post(path, { ...offer, figures: { ...offer.figures, loss: 9 } }))[0]).toBe(409);
    expect(await accepted()).toBe(after);
  });
});

function record(site: TestSite, signed: { path: string; body: string; sequence: number; nowMillis: number }) {
  const { path, body, sequence, nowMillis } = signed;
  return signRequest({
    identity: site.identity,
    site: site.site,
    method: 'POST',
    path,
    bodyHash: sha256Hex(body),
    coordinatorFingerprint: site.coordinator.fingerprint,
    nowMillis,
    sequence,
  });
}
