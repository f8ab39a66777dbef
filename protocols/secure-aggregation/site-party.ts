/**
 * A site in a secure aggregation session: Bonawitz et al., "Practical secure aggregation for privacy-preserving machine
 * learning" (CCS 2017), with the graph of Bell et al., "Secure single-server aggregation with (poly)logarithmic overhead"
 * (CCS 2020), against a coordinator that may lie.
 *
 * - The coordinator learns the sum over the survivors and nothing else of a vector, even together with c sites
 *   (parameters.ts) and with control of the network. It learns who took part.
 * - A site learns the sum, and nothing of another site's vector.
 * - Whoever reads the transcript and all masked vectors learns the sum and can check it (replay.ts).
 * - Nobody can be kept from sending a wrong vector: that is for clipping and gates elsewhere.
 *
 * Every step takes the state as it was stored and what the coordinator answered, and returns the next state and the
 * message to send. THE CALLER MUST STORE THE NEXT STATE DURABLY (fsync) BEFORE IT SENDS THE MESSAGE: the promises rest on a
 * site never saying two different things in one place, and above all on it never revealing twice for one round. A lost
 * message is sent again from the state's `last`; no step is taken twice.
 *
 * A check that fails gives a refusal with the state to store (the session is over for this site) and a signed abort to send.
 */
import { encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { createAgreement, generateAgreementKeys, type RandomBytes } from '@wardround/shared/crypto/key-agreement.ts';
import { UnusableKeyError } from '@wardround/shared/crypto/public-key-check.ts';
import { splitSecret } from '@wardround/shared/crypto/secret-sharing.ts';
import type { AbortReason } from './abort-reasons.ts';
import { type AdvertisedSession, readAdvertisements, shareHolders } from './advertised-keys.ts';
import { countViews } from './consistent-views.ts';
import { neighbours as graphOf } from './graph.ts';
import type {
  Bodies,
  ConsistencyProof,
  KeyBroadcast,
  Kind,
  SessionTerms,
  ShareDelivery,
  SignedMessage,
  Survivors,
} from './messages.ts';
import { openShares, sealShares } from './sealed-shares.ts';
import { commitToSeed, commitToShare, decodeKey, shareSealingKey, siteListHash } from './session-keys.ts';
import { linkTo, messageFault, type PinnedRoster, signSessionMessage } from './signed-message.ts';
import type {
  HeldShares,
  SiteAborted,
  SiteAdvertised,
  SiteConsistent,
  SiteMasked,
  SiteMasking,
  SiteRevealed,
  SiteSharing,
  SiteState,
} from './site-state.ts';

export interface SiteContext {
  readonly site: string;
  /** The site's 32-byte ed25519 private key. */
  readonly signingSeed: Uint8Array;
  /** As approved at this site; never taken from a message of the session. */
  readonly roster: PinnedRoster;
  /** This site's own policy, which no study can lower. */
  readonly floors: { readonly minimumSites: number; readonly minimumThreshold: number };
  /** A cryptographic source. */
  readonly randomBytes: RandomBytes;
}

export type SiteStep<State extends SiteState, Said extends Kind> =
  | { readonly ok: true; readonly state: State; readonly message: SignedMessage<Said> }
  | SiteRefusal;

export interface SiteRefusal {
  readonly ok: false;
  /** `out-of-turn`: the step does not fit the state, which stays as it is. */
  readonly reason: AbortReason | 'out-of-turn';
  /** Whose message failed the check, where one site's did. */
  readonly suspect: string | null;
  /** To be stored before the abort is sent; null where no session had begun. */
  readonly state: SiteState | null;
  readonly message: SignedMessage<'abort'> | null;
}

/**
 * Begins a session.
 *
 * @param stored the last state of this run and round at this site, whatever became of it; null where there is none.
 */
export function advertise(
  stored: SiteState | null,
  options: { readonly terms: SessionTerms; readonly context: SiteContext },
): SiteStep<SiteAdvertised, 'advertise'> {
  const { terms, context } = options;
  const { site, roster, randomBytes } = context;
  if (stored !== null && (stored.terms.run !== terms.run || stored.terms.round !== terms.round)) {
    throw new TypeError('Cannot begin the session: the stored state is of another run or round');
  }
  const refuse = (reason: AbortReason) => refuseToBegin(reason, { stored, terms, context });
  if (stored?.phase === 'revealed') return refuse('already-revealed');
  if (stored !== null && terms.attempt <= stored.terms.attempt) return refuse('attempt-not-new');
  if (terms.roster !== roster.hash || terms.rosterEpoch !== roster.epoch) return refuse('roster-not-pinned');
  if (!roster.signingKeys.has(site)) return refuse('site-not-in-roster');
  const mask = generateAgreementKeys(randomBytes);
  const share = generateAgreementKeys(randomBytes);
  const message = sign(
    'advertise',
    {
      maskKey: encodeBase64Url(mask.publicKey),
      shareKey: encodeBase64Url(share.publicKey),
      nonce: encodeBase64Url(randomBytes(32)),
      terms,
    },
    { terms, session: null, last: null, context },
  );
  return {
    ok: true,
    state: {
      phase: 'advertised',
      terms,
      site,
      last: message,
      maskSecret: encodeBase64Url(mask.secretKey),
      shareSecret: encodeBase64Url(share.secretKey),
    },
    message,
  };
}

/** Checks everybody's keys and the parameters, and shares this site's secrets with its neighbours. */
export function shareKeys(
  state: SiteState,
  options: { readonly broadcast: KeyBroadcast; readonly context: SiteContext },
): SiteStep<SiteSharing, 'share-keys'> {
  const { broadcast, context } = options;
  if (state.phase !== 'advertised') return outOfTurn(state);
  const { terms, site } = state;
  const read = readAdvertisements(broadcast.advertisements, { terms, roster: context.roster });
  if (!read.ok) return refuse(state, { ...read, context });
  const { session, parameters, sites, keys, graph } = read;
  const own = linkTo(state.last);
  if (keys.get(site)?.link.hash !== own.hash) return refuse(state, { reason: 'own-message-altered', context });
  const reason = parametersFault(read, { announced: broadcast.parameters, floors: context.floors });
  if (reason !== null) return refuse(state, { reason, context });

  const { randomBytes } = context;
  const seed = randomBytes(32);
  const maskSecret = decodeKey(state.maskSecret);
  const holders = shareHolders(site, read);
  const sharing = { shares: holders.length, threshold: parameters.threshold, randomBytes };
  const seedShares = splitSecret(seed, sharing);
  const keyShares = splitSecret(maskSecret, sharing);
  const agree = createAgreement(decodeKey(state.shareSecret));
  let ownShares: HeldShares | null = null;
  const shares: Bodies['share-keys']['shares'] = [];
  for (const [index, to] of holders.entries()) {
    const pair = { seedShare: seedShares[index]!, keyShare: keyShares[index]! };
    let sealed: string | null = null;
    if (to === site) {
      ownShares = { seed: encodeBase64Url(pair.seedShare), key: encodeBase64Url(pair.keyShare) };
    } else {
      try {
        const key = shareSealingKey(agree(decodeKey(keys.get(to)!.shareKey)), { session, from: site, to });
        sealed = sealShares(pair, { key, randomBytes });
      } catch (error) {
        if (!(error instanceof UnusableKeyError)) throw error;
        return refuse(state, { reason: 'key-unusable', suspect: to, context });
      }
    }
    shares.push({
      to,
      seedShareCommitment: commitToShare(pair.seedShare, { session, kind: 'seed', of: site, to }),
      keyShareCommitment: commitToShare(pair.keyShare, { session, kind: 'key', of: site, to }),
      sealed,
    });
  }
  const near = graph.get(site)!;
  const body = { seedCommitment: commitToSeed(seed, { session, of: site }), shares };
  const message = sign('share-keys', body, { terms, session, last: state.last, context });
  return {
    ok: true,
    state: {
      ...state,
      phase: 'sharing',
      last: message,
      session,
      parameters,
      sites,
      neighbours: near,
      keys: Object.fromEntries(near.map((other) => [other, keys.get(other)!])),
      seed: encodeBase64Url(seed),
      ownShares,
    },
    message,
  };
}

/**
 * Opens the neighbours' shares and fixes which masks this site adds (mask-instructions.ts says how). There is nothing to
 * send, but the state must be stored before masking begins.
 */
export function acceptShares(
  state: SiteState,
  options: { readonly delivery: ShareDelivery; readonly context: SiteContext },
): { readonly ok: true; readonly state: SiteMasking } | SiteRefusal {
  const { delivery, context } = options;
  if (state.phase !== 'sharing') return outOfTurn(state);
  const { terms, session, site, sites, neighbours, parameters, keys } = state;
  const sharers = delivery.sharers.toSorted();
  if (!isListAmong(sharers, { sites, site })) return refuse(state, { reason: 'list-wrong', context });
  if (sharers.length < parameters.fewestSurvivors) return refuse(state, { reason: 'too-few-survivors', context });
  const sharing = neighbours.filter((other) => sharers.includes(other));
  if (sharing.length + (state.ownShares === null ? 0 : 1) < parameters.threshold) {
    return refuse(state, { reason: 'too-few-neighbours', context });
  }
  const byName = new Map(delivery.messages.map((message) => [message.header.site, message]));
  if (byName.size !== delivery.messages.length || byName.size !== sharing.length) {
    return refuse(state, { reason: 'list-wrong', context });
  }
  const shares: Record<string, HeldShares> = state.ownShares === null ? {} : { [site]: state.ownShares };
  const graph = graphOf(sites, session);
  const agree = createAgreement(decodeKey(state.shareSecret));
  for (const of of sharing) {
    const message = byName.get(of);
    if (message === undefined) return refuse(state, { reason: 'list-wrong', context });
    const { roster } = context;
    const previous = keys[of]!.link;
    const fault = messageFault(message, { phase: 'share-keys', terms, session, roster, previous });
    if (fault !== null) return refuse(state, { reason: fault, suspect: of, context });
    const held = openOwnShares(message, { state, agree, holders: shareHolders(of, { graph, sites }) });
    if (held === null) return refuse(state, { reason: 'share-broken', suspect: of, context });
    shares[of] = held;
  }
  const { maskSecret, seed, last } = state;
  const sharersHash = siteListHash(session, sharers);
  const maskKeys = Object.fromEntries(sharing.map((other) => [other, keys[other]!.maskKey]));
  const inSession = { terms, site, last, session, parameters, sites, neighbours };
  return {
    ok: true,
    state: { ...inSession, phase: 'masking', sharers, sharersHash, shares, maskKeys, maskSecret, seed },
  };
}

/**
 * Fixes the masked vector. Only when the returned state is stored may a byte of the vector leave: after a crash before
 * that the vector may be made anew, after it never, as two vectors under one mask give away their difference.
 *
 * @param options `maskedInput` is the SHA-256 of the masked vector's little-endian bytes.
 */
export function submitMaskedInput(
  state: SiteState,
  options: { readonly maskedInput: Sha256Hex; readonly context: SiteContext },
): SiteStep<SiteMasked, 'masked-input'> {
  if (state.phase !== 'masking') return outOfTurn(state);
  const { terms, site, session, parameters, sites, neighbours, sharers, sharersHash, shares } = state;
  const body = { sharers: sharersHash, maskedInput: options.maskedInput };
  const message = sign('masked-input', body, { terms, session, last: state.last, context: options.context });
  const inSession = { terms, site, last: message, session, parameters, sites, neighbours };
  return { ok: true, state: { ...inSession, phase: 'masked', sharers, sharersHash, shares }, message };
}

/** Signs who survived. A second list is refused: it would be a second sum. */
export function confirmSurvivors(
  state: SiteState,
  options: { readonly announced: Survivors; readonly context: SiteContext },
): SiteStep<SiteConsistent, 'consistency'> {
  const { announced, context } = options;
  const survivors = announced.survivors.toSorted();
  if (state.phase === 'consistent' && survivors.join() !== state.survivors.join()) {
    return refuse(state, { reason: 'survivors-changed', context });
  }
  if (state.phase !== 'masked') return outOfTurn(state);
  const { terms, session, site, sharers, sharersHash, parameters } = state;
  if (!isListAmong(survivors, { sites: sharers, site })) return refuse(state, { reason: 'list-wrong', context });
  if (survivors.length < parameters.fewestSurvivors) return refuse(state, { reason: 'too-few-survivors', context });
  const survivorsHash = siteListHash(session, survivors);
  const body = { sharers: sharersHash, survivors: survivorsHash };
  const message = sign('consistency', body, { terms, session, last: state.last, context });
  return { ok: true, state: { ...state, phase: 'consistent', survivors, survivorsHash, last: message }, message };
}

/**
 * Reveals, for each neighbour and once in this round, one of the two shares: of the seed for a survivor, of the mask key for
 * one that dropped out. The message must not be sent before the state is durable; from then on `advertise` and `unmask`
 * refuse, in this session and in every other one of the round.
 */
export function unmask(
  state: SiteState,
  options: { readonly proof: ConsistencyProof; readonly context: SiteContext },
): SiteStep<SiteRevealed, 'unmask'> {
  const { proof, context } = options;
  if (state.phase === 'revealed') {
    return { ok: false, reason: 'already-revealed', suspect: null, state, message: null };
  }
  if (state.phase !== 'consistent') return outOfTurn(state);
  const { terms, session, site, sites, survivors, shares, parameters } = state;
  const view = { sharers: state.sharersHash, survivors: state.survivorsHash };
  const counted = countViews(proof.messages, { terms, session, roster: context.roster, among: survivors, view });
  if (!counted.ok) return refuse(state, { ...counted, context });
  if (2 * counted.views <= sites.length + parameters.colluders) {
    return refuse(state, { reason: 'too-few-views', context });
  }
  const revealed = Object.keys(shares)
    .sort()
    .map((of) => {
      const kind = survivors.includes(of) ? ('seed' as const) : ('key' as const);
      return { of, kind, share: shares[of]![kind] };
    });
  const body = { survivors: view.survivors, shares: revealed };
  const message = sign('unmask', body, { terms, session, last: state.last, context });
  return { ok: true, state: { phase: 'revealed', terms, site, last: message }, message };
}

/** Leaves the session for a reason of the caller's. What was revealed stays revealed. */
export function leave(
  state: SiteState,
  options: { readonly reason: AbortReason; readonly context: SiteContext },
): SiteRefusal {
  return refuse(state, options);
}

function parametersFault(
  read: AdvertisedSession,
  options: { readonly announced: KeyBroadcast['parameters']; readonly floors: SiteContext['floors'] },
): AbortReason | null {
  const { announced, floors } = options;
  const { parameters, sites } = read;
  const { colluders, threshold, degree, fewestSurvivors } = parameters;
  if (
    announced.colluders !== colluders ||
    announced.threshold !== threshold ||
    announced.degree !== degree ||
    announced.fewestSurvivors !== fewestSurvivors
  ) {
    return 'parameters-differ';
  }
  if (sites.length < floors.minimumSites) return 'floor-minimum-sites';
  return threshold < floors.minimumThreshold ? 'floor-threshold' : null;
}

/** Whether the sorted list names nobody twice, nobody outside `sites`, and the site itself. */
function isListAmong(list: readonly string[], options: { sites: readonly string[]; site: string }): boolean {
  const known = new Set(options.sites);
  return (
    list.includes(options.site) &&
    list.every((name, index) => known.has(name) && (index === 0 || name !== list[index - 1]))
  );
}

/** This site's shares in a neighbour's message, if they open and are what the neighbour is committed to. */
function openOwnShares(
  message: SignedMessage<'share-keys'>,
  options: {
    readonly state: SiteSharing;
    readonly agree: (publicKey: Uint8Array) => Uint8Array;
    readonly holders: readonly string[];
  },
): HeldShares | null {
  const { state, agree, holders } = options;
  const { session, site: to, keys } = state;
  const of = message.header.site;
  const { shares } = message.body;
  if (shares.length !== holders.length || shares.some((entry, index) => entry.to !== holders[index])) return null;
  const place = holders.indexOf(to);
  const entry = shares[place]!;
  if (entry.sealed === null) return null;
  const agreed = agree(decodeKey(keys[of]!.shareKey));
  const opened = openShares(entry.sealed, shareSealingKey(agreed, { session, from: of, to }));
  if (opened === null) return null;
  const { seedShare, keyShare } = opened;
  const whole =
    seedShare[0] === place + 1 &&
    keyShare[0] === place + 1 &&
    commitToShare(seedShare, { session, kind: 'seed', of, to }) === entry.seedShareCommitment &&
    commitToShare(keyShare, { session, kind: 'key', of, to }) === entry.keyShareCommitment;
  return whole ? { seed: encodeBase64Url(seedShare), key: encodeBase64Url(keyShare) } : null;
}

function sign<K extends Kind>(
  phase: K,
  body: Bodies[K],
  options: { terms: SessionTerms; session: Sha256Hex | null; last: SignedMessage | null; context: SiteContext },
): SignedMessage<K> {
  const { terms, session, last, context } = options;
  const { site, signingSeed } = context;
  const previous = last === null ? null : linkTo(last);
  return signSessionMessage(phase, body, { terms, session, site, previous, signingSeed });
}

function outOfTurn(state: SiteState): SiteRefusal {
  return { ok: false, reason: 'out-of-turn', suspect: null, state, message: null };
}

function refuse(
  state: SiteState,
  options: { readonly reason: AbortReason; readonly suspect?: string | null; readonly context: SiteContext },
): SiteRefusal {
  const { reason, suspect = null, context } = options;
  if (state.phase === 'revealed' || state.phase === 'aborted') return outOfTurn(state);
  const { terms, site, last } = state;
  const session = 'session' in state ? state.session : null;
  const message = sign('abort', { reason, suspect }, { terms, session, last, context });
  const aborted: SiteAborted = { phase: 'aborted', terms, site, reason };
  return { ok: false, reason, suspect, state: aborted, message };
}

function refuseToBegin(
  reason: AbortReason,
  options: { stored: SiteState | null; terms: SessionTerms; context: SiteContext },
): SiteRefusal {
  const { stored, terms, context } = options;
  const message = sign('abort', { reason, suspect: null }, { terms, session: null, last: null, context });
  return { ok: false, reason, suspect: null, state: stored, message };
}
