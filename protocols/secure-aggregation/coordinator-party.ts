/**
 * The coordinator in a secure aggregation session (site-party.ts says what it cannot learn): collects signed messages,
 * passes them on, and ends with instructions that take the masks out of the sum. An auditor plays the same part over a
 * transcript (replay.ts).
 *
 * The state is a fold over the messages received and the phases closed: keep those in a journal and the state can be made
 * again after a crash. `close...` ends a phase with whoever has answered; it fails when too few have, and then the session
 * is over and another attempt may follow, unless sites were already asked to unmask.
 */
import { decodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { AbortReason } from './abort-reasons.ts';
import { type AdvertisedSession, advertisementFault, readAdvertisements, shareHolders } from './advertised-keys.ts';
import type { MaskInstruction } from './mask-instructions.ts';
import {
  type ConsistencyProof,
  type KeyBroadcast,
  type Kind,
  PHASES,
  type Phase,
  type SessionTerms,
  type ShareDelivery,
  type ShareKeysBody,
  type SignedMessage,
  type Survivors,
} from './messages.ts';
import { commitToShare, siteListHash } from './session-keys.ts';
import { linkTo, type MessageFault, messageFault, messageHash, type PinnedRoster } from './signed-message.ts';
import { type UnmaskingFault, unmaskingInstructions } from './unmasking.ts';

export interface CoordinatorState {
  /** Which messages are awaited. */
  readonly phase: Phase;
  readonly terms: SessionTerms;
  readonly roster: PinnedRoster;
  /** Null while keys are advertised. */
  readonly session: AdvertisedSession | null;
  /** Who shared keys, once that phase is closed. Sorted, like `survivors`. */
  readonly sharers: readonly string[] | null;
  readonly survivors: readonly string[] | null;
  /** The names of these two lists (session-keys.ts). */
  readonly listHashes: { readonly sharers: Sha256Hex | null; readonly survivors: Sha256Hex | null };
  /** Accepted messages in the order in which they came. */
  readonly messages: readonly SignedMessage[];
  /** Who left or was left out. Nothing more is accepted from them. */
  readonly left: readonly { readonly site: string; readonly reason: string }[];
}

/** Why a message was not accepted, apart from faults of the message itself. */
export type ReceptionFault =
  | MessageFault
  | AbortReason
  /** The phase is not open, or the sender has no part in it. */
  | 'not-awaited'
  /** The sender has said something else in this phase: keep both, they prove it. */
  | 'said-two-things'
  /** A share does not match the commitment of its maker, who had convinced the sender of another: the sender lies. */
  | 'share-mismatch'
  | 'shares-not-as-asked';

export type Reception =
  | { readonly ok: true; readonly state: CoordinatorState }
  | { readonly ok: false; readonly reason: ReceptionFault; readonly suspect: string };

export type Closing<Answer> =
  | { readonly ok: true; readonly state: CoordinatorState; readonly answer: Answer }
  | { readonly ok: false; readonly reason: AbortReason | UnmaskingFault['reason']; readonly suspect: string | null };

export function openSession(terms: SessionTerms, roster: PinnedRoster): CoordinatorState {
  return {
    phase: 'advertise',
    terms,
    roster,
    session: null,
    sharers: null,
    survivors: null,
    listHashes: { sharers: null, survivors: null },
    messages: [],
    left: [],
  };
}

/** Who may still answer in the open phase, sorted; for `advertise` everybody in the roster. */
export function awaited(state: CoordinatorState): string[] {
  const gone = new Set(state.left.map(({ site }) => site));
  const answered = new Set(said(state, state.phase).map(({ header }) => header.site));
  return partners(state).filter((site) => !gone.has(site) && !answered.has(site));
}

/** Takes in a message. One that was accepted before changes nothing. */
export function receive(state: CoordinatorState, message: SignedMessage): Reception {
  const suspect = message.header.site;
  const refuse = (reason: ReceptionFault): Reception => ({ ok: false, reason, suspect });
  if (isOf(message, 'abort')) return receiveAbort(state, message);
  const earlier = state.messages.find(({ header }) => header.site === suspect && header.phase === message.header.phase);
  if (earlier !== undefined) {
    return messageHash(earlier) === messageHash(message) ? { ok: true, state } : refuse('said-two-things');
  }
  if (message.header.phase !== state.phase || !hasPart(state, suspect)) return refuse('not-awaited');
  const fault = isOf(message, 'advertise')
    ? advertisementFault(message, state)
    : (linkFault(state, message) ?? bodyFault(state, message));
  return fault === null ? { ok: true, state: { ...state, messages: [...state.messages, message] } } : refuse(fault);
}

/**
 * Leaves a site out from now on, for example because it was revoked. Its message in the open phase is dropped; after the
 * survivors are announced its vector stays in the sum, which the others can unmask without it.
 */
export function leaveOut(
  state: CoordinatorState,
  site: string,
  options: { readonly reason: string },
): CoordinatorState {
  if (state.left.some((left) => left.site === site)) return state;
  const messages = state.messages.filter(
    ({ header }) => header.site !== site || header.phase !== state.phase || announced(state),
  );
  return { ...state, messages, left: [...state.left, { site, reason: options.reason }] };
}

/** The answer goes to everybody in it. */
export function closeAdvertising(state: CoordinatorState): Closing<KeyBroadcast> {
  requirePhase(state, 'advertise');
  const advertisements = said(state, 'advertise');
  const session = readAdvertisements(advertisements, state);
  if (!session.ok) return session;
  const answer = { parameters: session.parameters, advertisements };
  return { ok: true, state: { ...state, phase: 'share-keys', session }, answer };
}

/** The answer has one delivery for each site that shared. */
export function closeSharing(state: CoordinatorState): Closing<Map<string, ShareDelivery>> {
  const { session, graph, parameters } = requirePhase(state, 'share-keys');
  const shared = new Map(said(state, 'share-keys').map((message) => [message.header.site, message]));
  const sharers = [...shared.keys()].sort();
  if (sharers.length < parameters.fewestSurvivors) return { ok: false, reason: 'too-few-survivors', suspect: null };
  const answer = new Map(
    sharers.map((site) => {
      const messages = graph.get(site)!.flatMap((other) => shared.get(other) ?? []);
      return [site, { sharers, messages }];
    }),
  );
  const listHashes = { ...state.listHashes, sharers: siteListHash(session, sharers) };
  return { ok: true, state: { ...state, phase: 'masked-input', sharers, listHashes }, answer };
}

/** The answer goes to everybody in it. Masked vectors that come later must not be added. */
export function closeMasking(state: CoordinatorState): Closing<Survivors> {
  const { session, parameters } = requirePhase(state, 'masked-input');
  const survivors = said(state, 'masked-input')
    .map(({ header }) => header.site)
    .sort();
  if (survivors.length < parameters.fewestSurvivors) return { ok: false, reason: 'too-few-survivors', suspect: null };
  const listHashes = { ...state.listHashes, survivors: siteListHash(session, survivors) };
  return { ok: true, state: { ...state, phase: 'consistency', survivors, listHashes }, answer: { survivors } };
}

/** The answer goes to everybody who signed. From here on the round can only end with this session's sum. */
export function closeConsistency(state: CoordinatorState): Closing<ConsistencyProof> {
  const { sites, parameters } = requirePhase(state, 'consistency');
  const messages = said(state, 'consistency');
  if (2 * messages.length <= sites.length + parameters.colluders) {
    return { ok: false, reason: 'too-few-views', suspect: null };
  }
  return { ok: true, state: { ...state, phase: 'unmask' }, answer: { messages } };
}

/**
 * Which masks to take out of the sum of the survivors' vectors. Fails while shares are missing; may be tried again when
 * more have come. `secret-wrong` names a site that had shared something else than its secret: its round is lost.
 */
export function closeUnmasking(state: CoordinatorState): Closing<MaskInstruction[]> {
  const session = requirePhase(state, 'unmask');
  const found = unmaskingInstructions({
    terms: state.terms,
    session,
    sharers: state.sharers!,
    survivors: state.survivors!,
    shareMessages: said(state, 'share-keys'),
    unmaskMessages: said(state, 'unmask'),
  });
  return found.ok ? { ok: true, state, answer: found.instructions } : found;
}

/** What closes each phase. */
export const CLOSINGS = {
  advertise: closeAdvertising,
  'share-keys': closeSharing,
  'masked-input': closeMasking,
  consistency: closeConsistency,
  unmask: closeUnmasking,
} as const satisfies Readonly<Record<Phase, (state: CoordinatorState) => Closing<unknown>>>;

/** The accepted messages of one phase, by the names of their senders. */
export function said<P extends Phase>(state: CoordinatorState, phase: P): SignedMessage<P>[] {
  return state.messages
    .filter((message) => isOf(message, phase))
    .sort((a, b) => (a.header.site < b.header.site ? -1 : 1));
}

function isOf<K extends Kind>(message: SignedMessage, kind: K): message is SignedMessage<K> {
  return message.header.phase === kind;
}

/** Everybody who has a part in the open phase. */
function partners({ phase, roster, session, sharers, survivors }: CoordinatorState): readonly string[] {
  switch (phase) {
    case 'advertise':
      return [...roster.signingKeys.keys()].sort();
    case 'share-keys':
      return session!.sites;
    case 'masked-input':
      return sharers!;
    case 'consistency':
    case 'unmask':
      return survivors!;
    default:
      return phase satisfies never;
  }
}

function hasPart(state: CoordinatorState, site: string): boolean {
  if (state.left.some((left) => left.site === site)) return false;
  return state.phase === 'advertise' ? state.roster.signingKeys.has(site) : partners(state).includes(site);
}

function announced(state: CoordinatorState): boolean {
  return state.survivors !== null;
}

function receiveAbort(state: CoordinatorState, message: SignedMessage<'abort'>): Reception {
  const { site } = message.header;
  const last = state.messages.findLast(({ header }) => header.site === site) ?? null;
  const session = message.header.session === null ? null : (state.session?.session ?? null);
  const previous = last === null ? null : linkTo(last);
  const fault = messageFault(message, { ...state, phase: 'abort', session, previous });
  if (fault !== null) return { ok: false, reason: fault, suspect: site };
  return { ok: true, state: leaveOut(state, site, { reason: message.body.reason }) };
}

/** Whether the message is signed by its sender and follows what it said in the phase before. */
function linkFault(state: CoordinatorState, message: SignedMessage): MessageFault | null {
  const phase = state.phase;
  const before = PHASES[PHASES.indexOf(phase) - 1]!;
  const { site } = message.header;
  const last = state.messages.find(({ header }) => header.site === site && header.phase === before);
  if (last === undefined) return 'order-wrong';
  const { terms, roster } = state;
  return messageFault(message, { phase, terms, roster, session: state.session!.session, previous: linkTo(last) });
}

function bodyFault(state: CoordinatorState, message: SignedMessage): ReceptionFault | null {
  const { sharers, survivors } = state.listHashes;
  const session = state.session!;
  if (isOf(message, 'share-keys')) {
    const { site } = message.header;
    const holders = shareHolders(site, session);
    const { shares } = message.body;
    const whole =
      shares.length === holders.length &&
      shares.every(({ to, sealed }, index) => to === holders[index] && (sealed === null) === (to === site));
    return whole ? null : 'shares-not-as-asked';
  }
  if (isOf(message, 'masked-input')) return message.body.sharers === sharers ? null : 'views-differ';
  if (isOf(message, 'consistency')) {
    return message.body.sharers === sharers && message.body.survivors === survivors ? null : 'views-differ';
  }
  if (!isOf(message, 'unmask')) return 'not-awaited';
  return message.body.survivors === survivors ? sharesFault(state, message) : 'views-differ';
}

/** Whether exactly the shares that were asked for are there, and each is what its maker committed to. */
function sharesFault(state: CoordinatorState, message: SignedMessage<'unmask'>): ReceptionFault | null {
  const { sharers, survivors } = state;
  const session = state.session!;
  const to = message.header.site;
  const alive = new Set(survivors);
  const asked = shareHolders(to, session).filter((of) => sharers!.includes(of));
  const { shares } = message.body;
  if (shares.length !== asked.length) return 'shares-not-as-asked';
  const wanted = new Set(asked);
  const made = new Map<string, ShareKeysBody>();
  for (const candidate of state.messages) {
    if (isOf(candidate, 'share-keys') && wanted.has(candidate.header.site))
      made.set(candidate.header.site, candidate.body);
  }
  for (const [index, { of, kind, share }] of shares.entries()) {
    if (of !== asked[index] || kind !== (alive.has(of) ? 'seed' : 'key')) return 'shares-not-as-asked';
    const entry = made.get(of)!.shares.find((candidate) => candidate.to === to)!;
    const expected = kind === 'seed' ? entry.seedShareCommitment : entry.keyShareCommitment;
    const commitment = commitToShare(decodeBase64Url(share), { session: session.session, kind, of, to });
    if (commitment !== expected) return 'share-mismatch';
  }
  return null;
}

function requirePhase(state: CoordinatorState, phase: Phase): AdvertisedSession {
  if (state.phase !== phase) {
    throw new Error(`Cannot close the phase: needed ${phase}, found ${state.phase}`);
  }
  return state.session!;
}
