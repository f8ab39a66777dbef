import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { describe, expect, test, vi } from 'vitest';
import { PHASES, type Phase } from './messages.ts';
import { sessionParameters } from './parameters.ts';
import { rememberAgreements, rememberSignatures } from './remembered-crypto.ts';
import { beginPlay, createConsortium, type Play, plainSum, playAll, playPhase } from './simulated-session.ts';

vi.mock('@wardround/shared/crypto/ed25519.ts', async (original) => rememberSignatures(await original()));
vi.mock('@wardround/shared/crypto/key-agreement.ts', async (original) => rememberAgreements(await original()));

const random = createRandom('vectors');
const begin = (count: number, words: number): Play => {
  const consortium = createConsortium(count, { words });
  const vectors = new Map(
    [...consortium.contexts.keys()].map((site) => [
      site,
      Int32Array.from({ length: words }, () => random.int(2 ** 32) - 2 ** 31),
    ]),
  );
  return beginPlay(consortium, { vectors });
};
const sitesOf = (play: Play) => [...play.consortium.contexts.keys()];

/** Whether the play ended with the plain sum of exactly the survivors. */
function expectExact(played: ReturnType<typeof playAll>, survivors: readonly string[]): void {
  if (!played.ok) throw new Error(played.reason);
  expect(played.play.coordinator.survivors).toEqual(survivors);
  expect(played.play.sum).toEqual(plainSum(played.play, survivors));
}

/** Every set that may drop out, and of small sessions those with one more; of ten sites a third of the largest sets, for time. */
function isWorthPlaying(set: { count: number; phase: Phase; gone: number; most: number; code: number }): boolean {
  const { count, phase, gone, most, code } = set;
  // Whoever does not even advertise is no part of the session, which then is a smaller one.
  if (phase === 'advertise') return count - gone >= 3 && count <= 6;
  if (count === 10) return gone === most && code % 3 === 0;
  return gone <= most + (count <= 7 ? 1 : 0);
}

describe('the unmasked sum', () => {
  test.each([
    3, 4, 5, 6, 7, 8, 9, 10,
  ])('is the plain sum of the survivors, for %i sites, each phase and each set of drop-outs', (count) => {
    const sites = Array.from({ length: count }, (_, index) => index);
    const { threshold } = sessionParameters(count);
    let play = begin(count, 5);
    let checked = 0;
    for (const phase of PHASES) {
      const names = sitesOf(play);
      for (let set = 0; set < 1 << count; set += 1) {
        const absent = new Set(sites.filter((index) => (set >> index) & 1).map((index) => names[index]!));
        const left = names.filter((site) => !absent.has(site));
        if (!isWorthPlaying({ count, phase, gone: absent.size, most: count - threshold, code: set })) continue;
        const played = playAll(play, { [phase]: absent });
        if (phase !== 'advertise' && left.length < threshold) {
          expect(played.ok).toBe(false);
        } else {
          expectExact(played, phase === 'consistency' || phase === 'unmask' ? names : left);
        }
        checked += 1;
      }
      const next = playPhase(play);
      if (!next.ok) throw new Error(next.reason);
      play = next.play;
    }
    expect(checked).toBeGreaterThan(4 * count);
  });

  test.each([3, 4])('is exact for %i sites and every way in which they fall silent, phase by phase', (count) => {
    const first = playPhase(begin(count, 3));
    if (!first.ok) throw new Error(first.reason);
    const names = sitesOf(first.play);
    const { threshold } = sessionParameters(count);
    const silences = [...PHASES.slice(1), null];
    for (let code = 0; code < silences.length ** count; code += 1) {
      const absent: Partial<Record<Phase, Set<string>>> = {};
      names.forEach((site, index) => {
        const phase = silences[Math.floor(code / silences.length ** index) % silences.length];
        if (phase) absent[phase] = (absent[phase] ?? new Set()).add(site);
      });
      const gone = Object.values(absent).reduce((sum, set) => sum + set.size, 0);
      const played = playAll(first.play, absent);
      expect(played.ok).toBe(count - gone >= threshold);
      if (!played.ok) continue;
      const silent = new Set([...(absent['share-keys'] ?? []), ...(absent['masked-input'] ?? [])]);
      expectExact(
        played,
        names.filter((site) => !silent.has(site)),
      );
    }
  });

  test.each([
    11, 17, 40, 64,
  ])('is exact for %i sites with as many drop-outs as there may be, spread over the phases', (count) => {
    const play = begin(count, 50);
    const names = sitesOf(play);
    const drops = createRandom(`drops ${count}`)
      .shuffle(names)
      .slice(0, count - sessionParameters(count).threshold);
    const absent: Partial<Record<Phase, Set<string>>> = {};
    drops.forEach((site, index) => {
      const phase = PHASES[1 + (index % 4)]!;
      absent[phase] = (absent[phase] ?? new Set()).add(site);
    });
    const silent = new Set([...(absent['share-keys'] ?? []), ...(absent['masked-input'] ?? [])]);
    expectExact(
      playAll(play, absent),
      names.filter((site) => !silent.has(site)),
    );
  });

  test('is exact on the Harary graph, for 120 sites of which twelve fall silent', () => {
    const play = begin(120, 40);
    const drops = createRandom('harary').shuffle(sitesOf(play)).slice(0, 12);
    const silent = new Set(drops.slice(0, 6));
    const result = playAll(play, {
      'share-keys': new Set(drops.slice(0, 2)),
      'masked-input': new Set(drops.slice(2, 6)),
      consistency: new Set(drops.slice(6, 9)),
      unmask: new Set(drops.slice(9)),
    });
    expectExact(
      result,
      sitesOf(play).filter((site) => !silent.has(site)),
    );
    expect(result.ok && result.play.coordinator.session!.parameters.degree).toBeLessThan(60);
  });

  test.each([3, 5, 9, 20])('is exact in words of 16 bits, for %i sites and random drop-outs', (count) => {
    const consortium = createConsortium(count, { words: 71 });
    const vectors = new Map(
      [...consortium.contexts.keys()].map((site) => [
        site,
        Int16Array.from({ length: 71 }, () => random.int(2 ** 16) - 2 ** 15),
      ]),
    );
    const start = playPhase(beginPlay(consortium, { vectors }));
    if (!start.ok) throw new Error(start.reason);
    const names = sitesOf(start.play);
    const { threshold } = sessionParameters(count);
    for (let trial = 0; trial < 6; trial += 1) {
      const seed = `short words, ${count} sites, trial ${trial}`;
      const chance = createRandom(seed);
      const gone = chance.shuffle(names).slice(0, chance.int(count - threshold + 1));
      const absent: Partial<Record<Phase, Set<string>>> = {};
      for (const site of gone) {
        const phase = PHASES[1 + chance.int(4)]!;
        absent[phase] = (absent[phase] ?? new Set()).add(site);
      }
      const silent = new Set([...(absent['share-keys'] ?? []), ...(absent['masked-input'] ?? [])]);
      const survivors = names.filter((site) => !silent.has(site));
      const played = playAll(start.play, absent);
      if (!played.ok) throw new Error(`${seed}: ${played.reason}`);
      expect(played.play.coordinator.survivors, seed).toEqual(survivors);
      expect(played.play.sum, seed).toEqual(plainSum(played.play, survivors));
      expect(played.play.sum, seed).toBeInstanceOf(Int16Array);
    }
  });
});
