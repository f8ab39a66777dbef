/**
 * Fault 47: shares that are not what their makers committed to. The commitment names who lies with them, and the round
 * commits as long as enough good ones are left.
 */

import { readFile } from 'node:fs/promises';
import type { SiteLink } from '@wardround/client/link/site-link.ts';
import type { SignedMessage } from '@wardround/protocols/secure-aggregation/messages.ts';
import { sessionParameters } from '@wardround/protocols/secure-aggregation/parameters.ts';
import { messageHash } from '@wardround/protocols/secure-aggregation/signed-message.ts';
import { describe, expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import { resign } from '../consortium/resign.ts';
import type { Tampering } from '../consortium/run-site.ts';
import type { ChaosSite, Consortium } from '../consortium/start-consortium.ts';
import { noteRefusals } from './note-refusals.ts';
import type { Awaited } from './pass-deadlines.ts';
import { outcomesOf, siteNames, startAll, throughFault } from './through-fault.ts';

const SITES = 6;
const { threshold } = sessionParameters(SITES);
const everybody = siteNames(SITES);
type Change = <Step extends 'share-keys' | 'unmask'>(message: SignedMessage<Step>) => SignedMessage<Step>['body'];

/** Says something else in that step of the first round, and stands by it: what it says later follows from that. */
function lying({ joined }: ChaosSite, { step, change }: { step: string; change: Change }): Tampering {
  const { signingSeed } = joined.identity;
  let lie: SignedMessage | null = null;
  return {
    link: (link) => ({
      ...link,
      sendSessionMessage(reference, offer, signal) {
        const said = offer.message as SignedMessage<'unmask'>;
        const isLie = reference.round === 1 && reference.step === step;
        const isAfter = lie?.header.round === reference.round && lie.header.attempt === reference.attempt;
        if (!isLie && !isAfter) return link.sendSessionMessage(reference, offer, signal);
        // The same again, after a lost answer, follows from what came before it.
        if (lie?.header.phase === reference.step && isAfter) {
          return link.sendSessionMessage(reference, { ...offer, message: lie as typeof offer.message }, signal);
        }
        const previous = isLie || lie === null ? said.header.previous : messageHash(lie);
        const body = isLie ? change(said) : said.body;
        lie = resign({ ...said, header: { ...said.header, previous } }, { body, signingSeed });
        return link.sendSessionMessage(reference, { ...offer, message: lie as typeof offer.message }, signal);
      },
    }),
  };
}

/** One character of the share of the first other site. */
const corrupted: Change = (message) => {
  const body = structuredClone(message.body) as SignedMessage<'unmask'>['body'];
  const first = body.shares[0]!;
  first.share = `${first.share.slice(0, 5)}${first.share[5] === 'A' ? 'B' : 'A'}${first.share.slice(6)}`;
  return body as never;
};

/** Each has the share that another site was given: right shares in the wrong hands. */
const exchanged: Change = (message) => {
  const body = structuredClone(message.body) as SignedMessage<'unmask'>['body'];
  const [first, second] = body.shares;
  [first!.share, second!.share] = [second!.share, first!.share];
  return body as never;
};

/** One is sent what was sealed for another. */
const misdelivered: Change = (message) => {
  const body = structuredClone(message.body) as SignedMessage<'share-keys'>['body'];
  const [first, second] = body.shares.filter(({ sealed }) => sealed !== null);
  first!.sealed = second!.sealed;
  return body as never;
};

const plan = (name: string) => chaosPlan({ name, rounds: 2, quorum: threshold });
const logOf = async ({ sites }: Consortium, site: string) =>
  (await readFile(sites.find((candidate) => candidate.site === site)!.logFile, 'utf8')).split('\n');

describe.concurrent('a share that is not what was committed to', () => {
  test('fault 47: is refused at the reveal, its bearer is named, and the round commits with the others', {
    timeout: 180_000,
  }, async () => {
    const liars = [everybody[2]!];
    const notes = new Map(liars.map((site) => [site, noteRefusals()]));
    expect(SITES - liars.length).toBe(threshold);
    const isAway = ({ site, round }: Awaited) => notes.get(site)?.inRound(round) === true;
    const state = await throughFault(
      { sites: SITES },
      {
        plan: plan('bad-shares'),
        isAway,
        async make(consortium) {
          const changes = [corrupted, exchanged];
          const tampered = liars.map((liar, index) => {
            const site = consortium.sites.find((candidate) => candidate.site === liar)!;
            const { link } = lying(site, { step: 'unmask', change: changes[index]! });
            return [liar, { tampering: { link: (own: SiteLink) => link!(notes.get(liar)!.link(own)) } }];
          });
          startAll(consortium, Object.fromEntries(tampered));
        },
      },
    );
    expect(state.phase).toEqual({ kind: 'finished' });
    expect(outcomesOf(state)).toEqual([everybody, everybody]);
    const { refused } = state.stages[0]!.rounds[0]!;
    const named = refused.toSorted((a, b) => (a.site < b.site ? -1 : 1));
    expect(named).toMatchObject(liars.map((site) => ({ site, reason: 'share-mismatch' })));
  });

  test('fault 47: sealed for another site: whoever gets it leaves and names the maker, and the next round commits', {
    timeout: 180_000,
  }, async () => {
    const [maker = '', ...others] = everybody;
    const victims = others.slice(0, 1);
    const state = await throughFault(
      { sites: SITES },
      {
        plan: plan('misdelivered'),
        async make(consortium) {
          const first = consortium.sites[0]!;
          startAll(consortium, { [maker]: { tampering: lying(first, { step: 'share-keys', change: misdelivered }) } });
        },
        async look(consortium) {
          for (const victim of victims) {
            const left = (await logOf(consortium, victim)).filter((line) => line.includes('Left the session'));
            expect(left.map((line) => JSON.parse(line))).toMatchObject([{ reason: 'share-broken', suspect: maker }]);
          }
        },
      },
    );
    expect(state.phase).toEqual({ kind: 'finished' });
    const without = everybody.filter((site) => !victims.includes(site));
    expect(outcomesOf(state)).toEqual([without, everybody]);
    const left = state.stages[0]!.rounds[0]!.leftOut.toSorted((a, b) => (a.site < b.site ? -1 : 1));
    expect(left).toMatchObject(victims.map((site) => ({ site, reason: 'share-broken' })));
  });
});
