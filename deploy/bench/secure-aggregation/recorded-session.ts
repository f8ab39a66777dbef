/** Plays a session of real parties up to its last phase and keeps what one site and the coordinator are told in it. */
import { type CoordinatorState, receive } from '@wardround/protocols/secure-aggregation/coordinator-party.ts';
import type {
  ConsistencyProof,
  KeyBroadcast,
  SessionTerms,
  ShareDelivery,
  Survivors,
} from '@wardround/protocols/secure-aggregation/messages.ts';
import { sessionParameters } from '@wardround/protocols/secure-aggregation/parameters.ts';
import {
  beginPlay,
  createConsortium,
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
}

/** The two drop-outs that the goals speak of, or as many as the session survives. */
export function mostDropouts(sites: number): number {
  return Math.min(2, sites - sessionParameters(sites).fewestSurvivors);
}

/** @param options `words` of each masked vector; `dropouts` of the sites, the last ones, share keys and then fall silent. */
export function recordSession(options: {
  readonly sites: number;
  readonly words: number;
  readonly dropouts: number;
}): RecordedSession {
  const { sites, words, dropouts } = options;
  const consortium = createConsortium(sites, { words });
  const names = [...consortium.contexts.keys()];
  // The vectors' content does not matter to the messages: only their hashes are signed.
  const vectors = new Map(names.map((site) => [site, new Int32Array(1)]));
  let play = beginPlay(consortium, { vectors });
  const next = (absent?: ReadonlySet<string>): unknown => {
    const result: PlayResult = playPhase(play, absent === undefined ? {} : { absent });
    if (!result.ok) throw new Error(`Cannot play the session: ${result.reason}`);
    play = result.play;
    return play.answer;
  };
  const broadcast = next() as KeyBroadcast;
  const deliveries = next() as Map<string, ShareDelivery>;
  const announced = next(new Set(names.slice(sites - dropouts))) as Survivors;
  const proof = next() as ConsistencyProof;
  let { coordinator } = play;
  for (const [site, state] of play.sites) {
    const step = unmask(state, { proof, context: consortium.contexts.get(site)! });
    const received = step.ok ? receive(coordinator, step.message) : step;
    if (!step.ok || !received.ok) throw new Error('Cannot play the session: a site did not unmask');
    coordinator = received.state as CoordinatorState;
  }
  const site = names[0]!;
  const { randomBytes: _, ...context } = consortium.contexts.get(site)!;
  const delivery = deliveries.get(site)!;
  return { terms: consortium.terms, context, broadcast, delivery, announced, proof, coordinator };
}
