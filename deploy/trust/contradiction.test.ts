/** A coordinator that tells a site two things at two times, with its own signature on both. */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { loadOrCreateIdentity } from '@wardround/coordinator/storage/identity-file.ts';
import { startTestCoordinator } from '@wardround/coordinator/testing/test-coordinator.ts';
import { verifyDocumentEvidence } from '@wardround/protocols/audit/verify-document-evidence.ts';
import { readDocumentStatement, signDocument } from '@wardround/protocols/session/document-statement.ts';
import { publicKeys } from '@wardround/shared/crypto/identity.ts';
import { describe, expect, test, vi } from 'vitest';
import { securePlan } from './testing/secure-plan.ts';
import { createSessionSite } from './testing/session-site.ts';

const plan = securePlan({ rounds: 1 });

describe('survivor-set lie at two different times', () => {
  test('is kept with both signatures, and the site leaves the session', { timeout: 120_000 }, async () => {
    const coordinator = await startTestCoordinator();
    const identity = await loadOrCreateIdentity(path.join(coordinator.folder, 'identity.json'));
    const { signingKey } = publicKeys(identity);
    let heard = 0;
    let sent = 0;
    const declined: string[] = [];
    const joined = await coordinator.join('basel', 'geneva', 'lugano', 'zurich');
    const sites = await Promise.all(
      joined.map((site) =>
        createSessionSite(site, {
          wrapLink: (link, name) =>
            name !== 'basel'
              ? link
              : {
                  ...link,
                  async sessionDocument(reference, signal) {
                    const answer = await link.sessionDocument(reference, signal);
                    expect(answer.statement).toMatchObject({ path: expect.stringContaining(reference.step) });
                    if (answer.step !== 'consistency' || ++heard === 1) return answer;
                    // Now Zurich is said to have dropped out.
                    const survivors = answer.document.survivors.filter((survivor) => survivor !== 'zurich');
                    const document = { step: 'consistency', document: { survivors } } as const;
                    const said = { site: name, path: answer.statement!.path, document };
                    const statement = readDocumentStatement(signDocument(said, identity), said, signingKey);
                    return { ...document, statement };
                  },
                  async sendSessionMessage(reference, offer, signal) {
                    // Its signed view is lost on the way, so that it is asked for the step once more.
                    if (reference.step === 'consistency' && ++sent === 1) throw new Error('the line broke');
                    return link.sendSessionMessage(reference, offer, signal);
                  },
                  async declineRound(reference, decline, signal) {
                    declined.push(decline.reason);
                    return link.declineRound(reference, decline, signal);
                  },
                },
        }),
      ),
    );
    const [basel] = sites as [(typeof sites)[number]];
    await coordinator.launch(plan);
    const stop = new AbortController();
    const runs = sites.map((site) => site.run(stop.signal));
    await vi.waitFor(() => expect(declined).toContain('document-changed'), { timeout: 90_000, interval: 50 });
    stop.abort();
    await Promise.all(runs);

    const audit = path.join(basel.folder, 'audit');
    const [name, ...others] = (await readdir(audit)).filter((file) => file.startsWith('evidence-'));
    expect(others).toEqual([]);
    const file = path.join(audit, name!);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const finding = verifyDocumentEvidence(JSON.parse(await readFile(file, 'utf8')), { signingKey });
    expect(finding).toMatchObject({ ok: true, site: 'basel', path: expect.stringMatching(/consistency$/) });
    expect(basel.log.join('')).toContain('The coordinator contradicts itself');
    expect(sent).toBe(1);

    await coordinator.close();
    for (const site of sites) await site.remove();
  });
});
