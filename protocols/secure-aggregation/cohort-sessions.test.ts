import { assignCohorts } from '@wardround/shared/aggregation/robust/cohorts.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { describe, expect, test } from 'vitest';
import { openSession, receive } from './coordinator-party.ts';
import { PHASES, type Phase, type SessionTerms } from './messages.ts';
import { sessionParameters } from './parameters.ts';
import { pairMaskKey } from './session-keys.ts';
import { beginPlay, type Consortium, createConsortium, plainSum, playAll, playPhase } from './simulated-session.ts';
import { advertise, shareKeys } from './site-party.ts';

const WORDS = 23;

/** A consortium for each cohort: the same roster, and terms that name the cohort. */
function cohortsOf(sites: number, options: { readonly cohorts: number; readonly seed: string }) {
  const whole = createConsortium(sites, { words: WORDS });
  const names = [...whole.contexts.keys()];
  const { cohorts, seed } = options;
  const assigned = assignCohorts(names, { seed, cohorts, fewest: { cohorts: 3, sites: 3 } });
  return assigned.map((members, index): Consortium => {
    const contexts = new Map(members.map((site) => [site, whole.contexts.get(site)!]));
    return { ...whole, contexts, terms: { ...whole.terms, cohort: { index, of: cohorts, members } } };
  });
}

const begun = (consortium: Consortium) => {
  const [site] = consortium.contexts.keys();
  const context = consortium.contexts.get(site!)!;
  const step = advertise(null, { terms: consortium.terms, context });
  if (!step.ok) throw new Error(step.reason);
  return { site: site!, context, ...step };
};

describe('sessions of cohorts', () => {
  test('give each the plain sum of its survivors, whoever drops out in whatever step; below the threshold none', () => {
    for (let trial = 0; trial < 12; trial += 1) {
      const seed = `cohort sums, trial ${trial}`;
      const random = createRandom(seed);
      const cohorts = 3 + random.int(2);
      for (const consortium of cohortsOf(cohorts * 4 + random.int(cohorts * 2), { cohorts, seed })) {
        const names = [...consortium.contexts.keys()];
        const vectors = new Map(
          names.map((site) => [site, Int32Array.from({ length: WORDS }, () => random.int(2 ** 32) - 2 ** 31)]),
        );
        const { threshold } = sessionParameters(names.length);
        const gone = random.shuffle(names).slice(0, random.int(names.length - threshold + 2));
        const absent: Partial<Record<Phase, Set<string>>> = {};
        for (const site of gone) {
          const phase = PHASES[1 + random.int(4)]!;
          absent[phase] = (absent[phase] ?? new Set()).add(site);
        }
        const played = playAll(beginPlay(consortium, { vectors }), absent);
        expect(played.ok, seed).toBe(names.length - gone.length >= threshold);
        if (!played.ok) continue;
        const silent = new Set([...(absent['share-keys'] ?? []), ...(absent['masked-input'] ?? [])]);
        const survivors = names.filter((site) => !silent.has(site));
        expect(played.play.coordinator.survivors, seed).toEqual(survivors);
        expect(played.play.sum, seed).toEqual(plainSum(played.play, survivors));
      }
    }
  });

  test('cannot be mixed: a site of another cohort is refused, whatever terms it says', () => {
    const [first, second] = cohortsOf(9, { cohorts: 3, seed: 'mixed' });
    const coordinator = openSession(first!.terms, first!.roster);
    expect(receive(coordinator, begun(second!).message)).toMatchObject({ ok: false, reason: 'terms-differ' });
    const [outsider] = second!.contexts.values();
    const posing = advertise(null, { terms: first!.terms, context: outsider! });
    if (!posing.ok) throw new Error(posing.reason);
    expect(receive(coordinator, posing.message)).toEqual({
      ok: false,
      reason: 'site-not-in-cohort',
      suspect: outsider!.site,
    });

    // Nor can a coordinator that lies pass it on to the others.
    const played = playPhase(beginPlay(first!, { vectors: new Map() }));
    if (!played.ok) throw new Error(played.reason);
    const broadcast = played.play.answer as Parameters<typeof shareKeys>[1]['broadcast'];
    const [site, state] = [...played.play.sites][0]!;
    const forged = { ...broadcast, advertisements: [...broadcast.advertisements, posing.message] };
    const refused = shareKeys(state, { broadcast: forged, context: first!.contexts.get(site)! });
    expect(refused).toMatchObject({ ok: false, reason: 'site-not-in-cohort', suspect: outsider!.site });
  });

  test('give another mask to the same two sites in another cohort, and without one the mask of before', () => {
    const [first, second] = cohortsOf(9, { cohorts: 3, seed: 'keys' });
    const keyOf = (terms: SessionTerms) =>
      Buffer.from(
        pairMaskKey(new Uint8Array(32), { terms, session: 'a'.repeat(64), pair: ['basel', 'zurich'] }),
      ).toString('hex');
    const { cohort: _, ...without } = first!.terms;
    expect(new Set([keyOf(first!.terms), keyOf(second!.terms), keyOf(without)]).size).toBe(3);
    expect(keyOf({ ...without, words: 99 })).toBe(keyOf(without));
  });

  test('hold a site’s floor of sites against the cohort, not the round', () => {
    const [first] = cohortsOf(15, { cohorts: 3, seed: 'floor' });
    const played = playPhase(beginPlay(first!, { vectors: new Map() }));
    if (!played.ok) throw new Error(played.reason);
    const [site, state] = [...played.play.sites][0]!;
    const context = { ...first!.contexts.get(site)!, floors: { minimumSites: 6, minimumThreshold: 0 } };
    const broadcast = played.play.answer as Parameters<typeof shareKeys>[1]['broadcast'];
    expect(shareKeys(state, { broadcast, context })).toMatchObject({ ok: false, reason: 'floor-minimum-sites' });
  });

  test('let nobody who has revealed into another cohort of the round', () => {
    const [first, second] = cohortsOf(9, { cohorts: 3, seed: 'once' });
    const vectors = new Map([...first!.contexts.keys()].map((site) => [site, new Int32Array(WORDS)]));
    const played = playAll(beginPlay(first!, { vectors }));
    if (!played.ok) throw new Error(played.reason);
    const [site, state] = [...played.play.sites][0]!;
    const terms = { ...second!.terms, attempt: first!.terms.attempt + 1 };
    const again = advertise(state, { terms, context: first!.contexts.get(site)! });
    expect(again).toMatchObject({ ok: false, reason: 'already-revealed' });
  });
});
