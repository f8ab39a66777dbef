/** Members replay rounds that a real coordinator has kept; a coordinator that altered anything of one is found out. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { type ReplayFailedError, replayRound } from '@wardround/client/audit/replay-round.ts';
import { runCli } from '@wardround/client/cli/run-cli.ts';
import { openTranscriptLink, type TranscriptLink } from '@wardround/client/link/transcript-link.ts';
import { readFollowedLinks } from '@wardround/client/state/followed-links.ts';
import { writeMembership } from '@wardround/client/state/membership.ts';
import { pinnedChain } from '@wardround/client/state/pinned-roster.ts';
import { replaceSiteIdentity } from '@wardround/client/state/site-identity.ts';
import { startTestCoordinator, type TestCoordinator } from '@wardround/coordinator/testing/test-coordinator.ts';
import { type TestSite, testSequence } from '@wardround/coordinator/testing/test-site.ts';
import type { ModelChain } from '@wardround/protocols/session/messages.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { securePlan } from './testing/secure-plan.ts';
import { createSessionSite, type SessionSite } from './testing/session-site.ts';

const names = ['basel', 'geneva', 'lugano', 'zurich'];
const plan = securePlan({ rounds: 3 });
const stage = plan.stages[0]!.name;

let coordinator: TestCoordinator;
let joined: readonly TestSite[];
let sites: SessionSite[];
let study: string;
const cleanUps: (() => unknown)[] = [];

beforeAll(async () => {
  coordinator = await startTestCoordinator();
  joined = await coordinator.join(...names);
  sites = [];
  for (const site of joined) sites.push(await createSessionSite(site));
  study = await coordinator.launch(plan);
  const stop = new AbortController();
  const runs = sites.map((site) => site.run(stop.signal));
  cleanUps.push(
    () => coordinator.close(),
    () => Promise.all(sites.map((site) => site.remove())),
    async () => {
      stop.abort();
      await Promise.all(runs);
    },
  );
  await vi.waitFor(async () => expect((await coordinator.study(study)).state.endedAtMillis).not.toBeNull(), {
    timeout: 60_000,
    interval: 50,
  });
}, 90_000);

afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

function openLink(): TranscriptLink {
  const [{ identity, coordinator: pinned, site }] = joined as [TestSite];
  const { signal } = new AbortController();
  const link = openTranscriptLink({ coordinator: pinned, identity, site, sequence: testSequence, signal });
  cleanUps.push(() => link.close());
  return link;
}

/** As the first site would, with a coordinator that lies where `changed` says so. */
async function replay(
  round: number,
  changed: (honest: TranscriptLink) => Partial<TranscriptLink> = () => ({}),
  known: { readonly followed?: ModelChain['links'] } = {},
) {
  const [{ folder }] = sites as [SessionSite];
  const honest = openLink();
  return replayRound(
    { study, stage, round },
    {
      plan,
      rosters: await pinnedChain(folder),
      followed: known.followed ?? (await readFollowedLinks(folder, { study, stage })),
      link: { ...honest, ...changed(honest) },
      nowMillis: Date.now(),
    },
  );
}

const found = (fault: ReplayFailedError['fault'], suspect: string | null = null) =>
  expect.objectContaining({ name: 'ReplayFailedError', fault, suspect });

const filesIn = async (...parts: string[]) => (await readdir(path.join(coordinator.folder, ...parts))).length;

describe('sum tampering / selective drop: a member replays a kept round', () => {
  test('and finds the published sum, also after the coordinator began anew', { timeout: 30_000 }, async () => {
    const { state } = await coordinator.study(study);
    const outcome = state.stages[0]!.rounds[2]!.outcome;
    if (outcome?.kind !== 'committed') throw new Error('the round was not committed');
    expect(await replay(3)).toEqual({ sum: outcome.sum, survivors: names, isFollowed: true });
    await coordinator.restart();
    expect(await replay(3)).toMatchObject({ sum: outcome.sum, isFollowed: true });
  });

  test('of which nothing but the newest is kept, sealed as it came', async () => {
    await expect(replay(1)).rejects.toMatchObject({ code: 'transcript-not-kept' });
    await expect(replay(2)).rejects.toThrow(`There are: ${stage} 3.`);
    for (const name of names) expect(await filesIn('uploads', name), name).toBe(1);
    expect(await filesIn('sessions')).toBe(5 * names.length);
  });

  test('and finds a sum of which one coordinate was altered', { timeout: 30_000 }, async () => {
    const altered = (honest: TranscriptLink): Partial<TranscriptLink> => ({
      async modelChain(reference) {
        const chain = await honest.modelChain(reference);
        return { ...chain, links: chain.links.with(2, { ...chain.links[2]!, sum: sha256Hex('altered') }) };
      },
    });
    await expect(replay(3, altered)).rejects.toEqual(found('published-changed'));
    // An auditor who has not followed the study has nothing but the vectors, and they are enough.
    await expect(replay(3, altered, { followed: [] })).rejects.toEqual(found('sum-altered'));
  });

  test('and names the site whose vector was altered in one bit', { timeout: 30_000 }, async () => {
    const place = 777;
    const altered = (honest: TranscriptLink): Partial<TranscriptLink> => ({
      async vector(reference, piece) {
        const bytes = Uint8Array.from(await honest.vector(reference, piece));
        if (piece.site === 'lugano' && piece.position <= place && place < piece.position + bytes.length) {
          bytes[place - piece.position]! ^= 1;
        }
        return bytes;
      },
    });
    await expect(replay(3, altered)).rejects.toEqual(found('vector-altered', 'lugano'));
  });

  test('and finds a site whose vector was left out of the sum', async () => {
    const without = (honest: TranscriptLink): Partial<TranscriptLink> => ({
      async transcript(reference, from) {
        const page = await honest.transcript(reference, from);
        const messages = page.messages.filter(({ header }) => header.site !== 'geneva' || header.phase === 'advertise');
        return { ...page, messages, total: messages.length };
      },
    });
    await expect(replay(3, without)).rejects.toMatchObject({ fault: 'messages-changed' });
  });

  test('and names the site whose message was swapped', async () => {
    const swapped = (honest: TranscriptLink): Partial<TranscriptLink> => ({
      async transcript(reference, from) {
        const page = await honest.transcript(reference, from);
        const index = page.messages.findIndex(
          ({ header }) => header.site === 'zurich' && header.phase === 'masked-input',
        );
        const message = page.messages[index]!;
        const body = { maskedInput: sha256Hex('another vector') };
        const messages = page.messages.with(index, { ...message, body } as typeof message);
        return { ...page, messages };
      },
    });
    await expect(replay(3, swapped)).rejects.toEqual(found('session-broken', 'zurich'));
  });

  test('and refuses the transcript of another round in its place', async () => {
    const older = (honest: TranscriptLink): Partial<TranscriptLink> => ({
      transcript: async (reference, from) => {
        const page = await honest.transcript(reference, from);
        return { ...page, terms: { ...page.terms, round: 2 } };
      },
    });
    await expect(replay(3, older)).rejects.toEqual(found('other-round'));
  });

  test('by "wardround-site audit replay", beside the site’s own client', { timeout: 30_000 }, async () => {
    const [{ folder }] = sites as [SessionSite];
    const [{ identity, coordinator: pinned, site }] = joined as [TestSite];
    await replaceSiteIdentity(folder, identity);
    await writeMembership(folder, { site, coordinator: pinned, dataDirectory: folder });
    const lines: string[] = [];
    vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(line));
    vi.spyOn(console, 'error').mockImplementation((line) => void lines.push(line));
    const code = await runCli([
      'audit',
      'replay',
      study.slice(0, 8),
      '--stage',
      stage,
      '--round',
      '3',
      '--state',
      folder,
    ]);
    const gone = await runCli(['audit', 'replay', study, '--stage', stage, '--round', '1', '--state', folder]);
    vi.restoreAllMocks();
    expect(lines.join('\n')).toContain('The vectors of basel, geneva, lugano, zurich add up to the published sum');
    expect(lines.join('\n')).toContain('the sum that this site’s own model was made from');
    expect(code).toBe(0);
    expect(gone).toBe(4);
  });
});
