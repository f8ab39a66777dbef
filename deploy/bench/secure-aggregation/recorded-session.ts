/** Plays a session of real parties up to its last phase and keeps what one site and the coordinator are told in it. */
import { type CoordinatorState, receive } from '@wardround/protocols/secure-aggregation/coordinator-party.ts';
import type {
  ConsistencyProof,
  KeyBroadcast,
  SessionTerms,
  ShareDelivery,
  Survivors,
} from '@wardround/protocols/secure-aggregation/messages.ts';
import {
  beginPlay,
  createConsortium,
  type Play,
  type PlayResult,
  playPhase,
} from '@wardround/protocols/secure-aggregation/simulated-session.ts';
import { type SiteContext, unmask } from '@wardround/protocols/secure-aggregation/site-party.ts';

export interface RecordedSession {
  readonly terms: SessionTerms;
  /** Of the first site, but for the randomness, which follows from its name. */
  readonly context: Omit<SiteContext, 'randomBytes'>;
  readonly broadcast: KeyBroadcast;
  readonly delivery: ShareDelivery;
  readonly announced: Survivors;
  readonly proof: ConsistencyProof;
  /** With everything received. */
  readonly coordinator: CoordinatorState;
  /** Of all that the coordinator answered to all sites. */
  readonly answeredBytes: number;
}

/**
 * @param options `dropouts`: for each of these numbers one session, in which so many sites, the last ones, share keys and
 *   then fall silent. All sessions begin alike. The vectors' length is a number in the messages, nothing else.
 */
export function recordSessions(sites: number, options: { readonly dropouts: readonly number[] }): RecordedSession[] {
  const consortium = createConsortium(sites, { words: 1_000_000 });
  const names = [...consortium.contexts.keys()];
  // The vectors' content does not matter to the messages: only their hashes are signed.
  const vectors = new Map(names.map((site) => [site, new Int32Array(1)]));
  const advertised = played(beginPlay(consortium, { vectors }));
  const shared = played(advertised);
  return options.dropouts.map((count) => finish({ advertised, shared, absent: new Set(names.slice(sites - count)) }));
}

function finish(begun: {
  readonly advertised: Play;
  readonly shared: Play;
  readonly absent: ReadonlySet<string>;
}): RecordedSession {
  const { advertised, shared, absent } = begun;
  const { consortium } = shared;
  const masked = played(shared, absent);
  const confirmed = played(masked);
  const broadcast = advertised.answer as KeyBroadcast;
  const deliveries = shared.answer as ReadonlyMap<string, ShareDelivery>;
  const announced = masked.answer as Survivors;
  const proof = confirmed.answer as ConsistencyProof;
  let { coordinator } = confirmed;
  for (const [site, state] of confirmed.sites) {
    const step = unmask(state, { proof, context: consortium.contexts.get(site)! });
    const received = step.ok ? receive(coordinator, step.message) : step;
    if (!step.ok || !received.ok) throw new Error('Cannot play the session: a site did not unmask');
    coordinator = received.state as CoordinatorState;
  }
  const [site] = consortium.contexts.keys();
  const { randomBytes: _, ...context } = consortium.contexts.get(site!)!;
  const delivery = deliveries.get(site!)!;
  const survivors = announced.survivors.length;
  const answeredBytes =
    jsonBytes([broadcast]) * consortium.contexts.size +
    jsonBytes([...deliveries.values()]) +
    jsonBytes([announced, proof]) * survivors;
  return { terms: consortium.terms, context, broadcast, delivery, announced, proof, coordinator, answeredBytes };
}

function played(play: Play, absent?: ReadonlySet<string>): Play {
  const result: PlayResult = playPhase(play, absent === undefined ? {} : { absent });
  if (!result.ok) throw new Error(`Cannot play the session: ${result.reason}`);
  return result.play;
}

/** Of the documents as they travel. */
export function jsonBytes(documents: readonly unknown[]): number {
  return documents.reduce<number>((sum, document) => sum + Buffer.byteLength(JSON.stringify(document)), 0);
}
