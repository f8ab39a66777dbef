/**
 * Replays a round that the coordinator has kept: recomputes the sum from what the sites have signed, piece by piece, and holds
 * it against the sum that the model was made from. Learns nothing but that sum.
 */
import type { SignedRoster } from '@wardround/protocols/enrolment/roster.ts';
import { rosterHash } from '@wardround/protocols/enrolment/roster.ts';
import { sessionRoster } from '@wardround/protocols/enrolment/session-roster.ts';
import type { SessionTerms, SignedMessage } from '@wardround/protocols/secure-aggregation/messages.ts';
import { replayTranscript } from '@wardround/protocols/secure-aggregation/replay.ts';
import { replayInPieces } from '@wardround/protocols/secure-aggregation/replay-in-pieces.ts';
import { sessionTerms } from '@wardround/protocols/secure-aggregation/session-terms.ts';
import type { PinnedRoster } from '@wardround/protocols/secure-aggregation/signed-message.ts';
import {
  cohortsTranscriptHash,
  type Transcript,
  transcriptHash,
} from '@wardround/protocols/secure-aggregation/transcript.ts';
import type { ModelChain } from '@wardround/protocols/session/messages.ts';
import { codeBitsOf, type StudyPlan } from '@wardround/protocols/study/plan.ts';
import { stageLayout } from '@wardround/protocols/study/stage-layout.ts';
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { RoundReference } from '../link/site-link.ts';
import type { TranscriptLink } from '../link/transcript-link.ts';

const PIECE_WORDS = 1 << 20;

export type ReplayFault =
  | 'published-changed'
  | 'messages-changed'
  | 'other-round'
  | 'roster-unknown'
  | 'session-broken'
  | 'vector-altered'
  | 'sum-altered';

/** What the coordinator has published is not what the sites’ messages and vectors give. */
export class ReplayFailedError extends Error {
  override readonly name = 'ReplayFailedError';
  readonly fault: ReplayFault;
  /** Whose message or vector is not what its site signed; null when that cannot be told. */
  readonly suspect: string | null;

  constructor(fault: ReplayFault, sentence: string, suspect: string | null = null) {
    super(`The round does not follow from what sites have signed: ${sentence} Keep the site's folder as evidence.`);
    this.fault = fault;
    this.suspect = suspect;
  }
}

export interface ReplayedRound {
  readonly sum: Sha256Hex;
  readonly survivors: readonly string[];
  /** Whether this site had followed the round before, so that what is named now could be held against it. */
  readonly isFollowed: boolean;
}

/** @throws {ReplayFailedError | CoordinatorRefusedError} the latter when the round is not kept. */
export async function replayRound(
  reference: RoundReference,
  known: {
    readonly plan: StudyPlan;
    /** The roster epochs that this site has checked. */
    readonly rosters: readonly SignedRoster[];
    /** What this site's own model was made from (followed-links.ts). */
    readonly followed: ModelChain['links'];
    readonly link: Pick<TranscriptLink, 'modelChain' | 'transcript' | 'vector'>;
    readonly nowMillis: number;
    readonly pieceWords?: number;
    readonly onProgress?: (done: number, total: number) => void;
  },
): Promise<ReplayedRound> {
  const { plan, link, followed, rosters, nowMillis, pieceWords = PIECE_WORDS, onProgress } = known;
  const chain = await link.modelChain(reference);
  const published = publishedLink(chain, followed, reference);
  const transcripts = transcriptsOf(await fetchTranscript(reference, link));
  const sums = published.cohortSums ?? [published.sum];
  for (const { terms } of transcripts) requireTerms(terms, { reference, plan, chain });
  const inForce = transcripts.map((transcript) => rosterOf(transcript, { rosters, nowMillis }));
  const hashes = transcripts.map((transcript) => transcriptHash(transcript));
  const named = published.cohortSums === undefined ? hashes[0] : cohortsTranscriptHash(hashes);
  if (named !== published.transcript || transcripts.length !== sums.length) {
    const broken = transcripts
      .map((transcript, index) => replayTranscript(transcript, { roster: inForce[index]! }))
      .find(({ ok }) => !ok);
    const reason = broken === undefined || broken.ok ? null : broken;
    throw new ReplayFailedError(
      'messages-changed',
      `the messages of its session are not those whose hash was published with it${reason === null ? '' : `; ${sayReason(reason)}`}.`,
      reason === null ? null : reason.suspect,
    );
  }
  const survivors: string[] = [];
  for (const [index, transcript] of transcripts.entries()) {
    const { words } = transcript.terms;
    const replayed = await replayInPieces(transcript, {
      roster: inForce[index]!,
      readPiece: (piece) => link.vector(reference, piece),
      codeBits: codeBitsOf(plan),
      pieceWords,
      onPiece: (done) => onProgress?.(index * words + done, transcripts.length * words),
    });
    if (!replayed.ok) {
      const fault = replayed.reason === 'masked-input-altered' ? 'vector-altered' : 'session-broken';
      throw new ReplayFailedError(fault, `${sayReason(replayed)}.`, replayed.suspect);
    }
    if (replayed.sum !== sums[index]) {
      throw new ReplayFailedError(
        'sum-altered',
        'the published sum is not what the sites’ vectors add up to: the coordinator has altered it.',
      );
    }
    survivors.push(...replayed.survivors);
  }
  return {
    sum: published.sum,
    survivors: survivors.sort(),
    isFollowed: followed.some(({ round }) => round === reference.round),
  };
}

/** One, or one of each cohort in their order: every site's messages belong to the cohort that it has signed. */
function transcriptsOf({ terms, messages }: Transcript): Transcript[] {
  const found = new Map<number, { terms: SessionTerms; sites: Set<string> }>();
  for (const { header, body } of messages) {
    if (!('maskKey' in body) || body.terms.cohort === undefined) continue;
    const { index } = body.terms.cohort;
    const own = found.get(index) ?? { terms: body.terms, sites: new Set() };
    own.sites.add(header.site);
    found.set(index, own);
  }
  if (found.size === 0) return [{ terms, messages }];
  return [...found]
    .sort(([a], [b]) => a - b)
    .map(([, own]) => ({ terms: own.terms, messages: messages.filter(({ header }) => own.sites.has(header.site)) }));
}

/** What the coordinator names now of the round, if it is what it named before. */
function publishedLink(chain: ModelChain, followed: ModelChain['links'], { round }: RoundReference) {
  const published = chain.links.find((link) => link.round === round);
  const before = followed.find((link) => link.round === round);
  if (published !== undefined && (before === undefined || canonicalJson(before) === canonicalJson(published))) {
    return published;
  }
  throw new ReplayFailedError(
    'published-changed',
    before === undefined
      ? 'the coordinator names no sum of it: it was not committed.'
      : 'the coordinator names another sum, model or transcript of it now than when this site computed the model.',
  );
}

async function fetchTranscript(reference: RoundReference, link: Pick<TranscriptLink, 'transcript'>) {
  const first = await link.transcript(reference, 0);
  const messages = [...first.messages];
  while (messages.length < first.total) messages.push(...(await link.transcript(reference, messages.length)).messages);
  return { terms: first.terms, messages: messages as unknown as SignedMessage[] };
}

/** The session must be of this round, of this plan and of the model before it. */
function requireTerms(
  terms: SessionTerms,
  { reference, plan, chain }: { reference: RoundReference; plan: StudyPlan; chain: ModelChain },
): void {
  const { study, stage, round } = reference;
  const planned = plan.stages.find(({ name }) => name === stage);
  const before = chain.links.findLast((link) => link.round < round);
  if (planned !== undefined) {
    const { attempt, rosterEpoch: epoch, roster: hash, cohort } = terms;
    const model = before?.rolledBack?.to ?? before?.model ?? chain.initial;
    const expected = sessionTerms(
      { study, stage, round, attempt, model, layout: stageLayout(plan, planned), codeBits: codeBitsOf(plan), cohort },
      { epoch, hash },
    );
    const isInCohort = (cohort === undefined) === (plan.protection.cohorts === undefined);
    if (isInCohort && canonicalJson(expected) === canonicalJson(terms)) return;
  }
  throw new ReplayFailedError('other-round', 'its session is of another round, plan or model.');
}

/**
 * The epoch that the session was bound to. Of keys that were changed since, the ones count under which the session holds
 * together: each of them stands in the roster that members have approved.
 */
function rosterOf(
  transcript: Transcript,
  { rosters, nowMillis }: { readonly rosters: readonly SignedRoster[]; readonly nowMillis: number },
): PinnedRoster {
  const found = rosters.find(({ roster }) => rosterHash(roster) === transcript.terms.roster)?.roster;
  if (found === undefined) {
    throw new ReplayFailedError(
      'roster-unknown',
      'its session is bound to a roster that this site has never approved.',
    );
  }
  const times = [nowMillis, ...new Set(found.sites.map(({ notAfterMillis }) => notAfterMillis - 1))];
  const possible = times.map((time) => sessionRoster(found, time));
  return possible.find((roster) => replayTranscript(transcript, { roster }).ok) ?? possible[0]!;
}

function sayReason({ reason, suspect }: { readonly reason: string; readonly suspect: string | null }): string {
  const what = reason.replaceAll('-', ' ');
  return suspect === null ? what : `${what}, of site ${suspect}`;
}
