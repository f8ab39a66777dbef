/** Plays whole sessions in memory, phase by phase, for tests: real parties, real keys, known randomness. */
import { createCipheriv, createPrivateKey, createPublicKey } from 'node:crypto';
import { encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { type CodeWords, createCodeWords } from '@wardround/shared/bytes/code-words.ts';
import { addModulo } from '@wardround/shared/bytes/fixed-point.ts';
import { sha256, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import type { RandomBytes } from '@wardround/shared/crypto/key-agreement.ts';
import { CLOSINGS, type CoordinatorState, openSession, receive } from './coordinator-party.ts';
import { applyMasks, maskInstructions } from './mask-instructions.ts';
import { PHASES, type Phase, type SessionTerms, type SignedMessage } from './messages.ts';
import type { PinnedRoster } from './signed-message.ts';
import {
  acceptShares,
  advertise,
  confirmSurvivors,
  type SiteContext,
  type SiteStep,
  shareKeys,
  submitMaskedInput,
  unmask,
} from './site-party.ts';
import type { SiteMasking, SiteState } from './site-state.ts';

/** Repeatable bytes: never for a real session. */
export function knownRandomBytes(seed: string): RandomBytes {
  const cipher = createCipheriv('aes-256-ctr', sha256(seed), new Uint8Array(16));
  return (length) => new Uint8Array(cipher.update(new Uint8Array(length)));
}

export interface Consortium {
  readonly roster: PinnedRoster;
  readonly contexts: ReadonlyMap<string, SiteContext>;
  readonly terms: SessionTerms;
}

/** Sites with keys and randomness that follow from the seed. */
export function createConsortium(
  count: number,
  options: { readonly words: number; readonly seed?: string },
): Consortium {
  const { words, seed = 'consortium' } = options;
  const names = Array.from({ length: count }, (_, index) => `site-${String(index).padStart(3, '0')}`);
  const seeds = new Map(names.map((site) => [site, sha256(`${seed} ${site} signing`)]));
  const signingKeys = new Map(names.map((site) => [site, encodeBase64Url(signingKeyOf(seeds.get(site)!))]));
  const roster = { epoch: 3, hash: sha256Hex(`${seed} roster of ${count}`), signingKeys };
  const contexts = new Map(
    names.map((site) => [
      site,
      {
        site,
        signingSeed: seeds.get(site)!,
        roster,
        floors: { minimumSites: 3, minimumThreshold: 2 },
        randomBytes: knownRandomBytes(`${seed} ${site} random`),
      },
    ]),
  );
  const terms = {
    run: 'study/slices',
    round: 7,
    attempt: 1,
    model: sha256Hex('model'),
    plan: sha256Hex('plan'),
    rosterEpoch: roster.epoch,
    roster: roster.hash,
    words,
  };
  return { roster, contexts, terms };
}

function signingKeyOf(seed: Uint8Array): Uint8Array {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const key = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }));
  return new Uint8Array(key.export({ format: 'der', type: 'spki' }).subarray(-32));
}

/** A session at the end of some phase. Every step makes a new value, so several continuations can begin at one. */
export interface Play {
  readonly consortium: Consortium;
  readonly vectors: ReadonlyMap<string, CodeWords>;
  readonly coordinator: CoordinatorState;
  /** The states of the sites that are still there. */
  readonly sites: ReadonlyMap<string, SiteState>;
  readonly masked: ReadonlyMap<string, CodeWords>;
  /** What the coordinator answered to the phase before. */
  readonly answer: unknown;
  /** After `unmask`. */
  readonly sum: CodeWords | null;
}

export type PlayResult = { readonly ok: true; readonly play: Play } | { readonly ok: false; readonly reason: string };

/** @param stored what sites keep of sessions before, where they do. */
export function beginPlay(
  consortium: Consortium,
  options: { readonly vectors: ReadonlyMap<string, CodeWords>; readonly stored?: ReadonlyMap<string, SiteState> },
): Play {
  const { terms, roster } = consortium;
  return {
    consortium,
    vectors: options.vectors,
    coordinator: openSession(terms, roster),
    sites: options.stored ?? new Map(),
    masked: new Map(),
    answer: null,
    sum: null,
  };
}

/** Plays one phase; sites in `absent` say nothing in it or later. */
export function playPhase(play: Play, options: { readonly absent?: ReadonlySet<string> } = {}): PlayResult {
  const { absent = new Set() } = options;
  const { consortium } = play;
  const phase = play.coordinator.phase;
  const present = [...(phase === 'advertise' ? consortium.contexts.keys() : play.sites.keys())].filter(
    (site) => !absent.has(site) && (phase === 'advertise' || isPartner(play, site)),
  );
  let { coordinator } = play;
  const sites = new Map<string, SiteState>();
  const masked = new Map(play.masked);
  for (const site of present) {
    const step = siteStep(play, { site, masked });
    if (!step.ok) return { ok: false, reason: `${site}: ${step.reason}` };
    const received = receive(coordinator, step.message);
    if (!received.ok) return { ok: false, reason: received.reason };
    coordinator = received.state;
    sites.set(site, step.state);
  }
  const closed = CLOSINGS[phase](coordinator);
  if (!closed.ok) return { ok: false, reason: closed.reason };
  let sum: CodeWords | null = null;
  if (phase === 'unmask') {
    sum = zerosLike(play);
    for (const survivor of coordinator.survivors!) addModulo(sum, masked.get(survivor)!);
    applyMasks(sum, closed.answer as Parameters<typeof applyMasks>[1]);
  }
  return { ok: true, play: { ...play, coordinator: closed.state, sites, masked, answer: closed.answer, sum } };
}

/** Plays all phases that are left; `absent` by the phase in which sites fall silent. */
export function playAll(play: Play, absent: Partial<Record<Phase, ReadonlySet<string>>> = {}): PlayResult {
  let result: PlayResult = { ok: true, play };
  for (const phase of PHASES.slice(PHASES.indexOf(play.coordinator.phase))) {
    result = playPhase(result.play, { absent: absent[phase] ?? new Set() });
    if (!result.ok) return result;
  }
  return result;
}

/** The plain sum of the vectors of these sites. */
export function plainSum(play: Play, sites: readonly string[]): CodeWords {
  const sum = zerosLike(play);
  for (const site of sites) addModulo(sum, play.vectors.get(site)!);
  return sum;
}

function isPartner({ coordinator }: Play, site: string): boolean {
  return (coordinator.survivors ?? coordinator.sharers ?? coordinator.session!.sites).includes(site);
}

/** What the site says in the open phase; keeps its masked vector in `masked`. */
function siteStep(
  play: Play,
  options: { readonly site: string; readonly masked: Map<string, CodeWords> },
): SiteStep<SiteState, SignedMessage['header']['phase']> {
  const { site, masked } = options;
  const { consortium, coordinator, answer } = play;
  const context = consortium.contexts.get(site)!;
  const state = play.sites.get(site)!;
  switch (coordinator.phase) {
    case 'advertise':
      return advertise(play.sites.get(site) ?? null, { terms: consortium.terms, context });
    case 'share-keys':
      return shareKeys(state, { broadcast: answer as never, context });
    case 'masked-input': {
      const accepted = acceptShares(state, { delivery: (answer as Map<string, never>).get(site)!, context });
      if (!accepted.ok) return accepted;
      const vector = maskVector(play.vectors.get(site)!, accepted.state);
      masked.set(site, vector);
      return submitMaskedInput(accepted.state, { maskedInput: sha256Hex(littleEndianBytes(vector)), context });
    }
    case 'consistency':
      return confirmSurvivors(state, { announced: answer as never, context });
    case 'unmask':
      return unmask(state, { proof: answer as never, context });
    default:
      return coordinator.phase satisfies never;
  }
}

function maskVector(vector: CodeWords, state: SiteMasking): CodeWords {
  const masked = vector.slice();
  applyMasks(masked, maskInstructions(state));
  return masked;
}

/** As long as a vector of the session, and of as many bits. */
function zerosLike({ consortium, vectors }: Play): CodeWords {
  const [first] = vectors.values();
  return createCodeWords(consortium.terms.words, first instanceof Int16Array ? 16 : 32);
}
