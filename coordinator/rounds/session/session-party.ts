/** The coordinator's part in a round's session, made again from the journal and the messages that it names. */

import { cohortOf } from '@wardround/protocols/round/cohorts.ts';
import type { SessionState } from '@wardround/protocols/round/session-state.ts';
import { currentRound, currentStage, type StudyState } from '@wardround/protocols/round/state.ts';
import {
  CLOSINGS,
  type Closing,
  type CoordinatorState,
  closeUnmasking,
  openSession,
  receive,
} from '@wardround/protocols/secure-aggregation/coordinator-party.ts';
import type { MaskInstruction } from '@wardround/protocols/secure-aggregation/mask-instructions.ts';
import {
  AdvertiseMessage,
  PHASES,
  type Phase,
  type SessionTerms,
  type SignedMessage,
  SiteMessage,
} from '@wardround/protocols/secure-aggregation/messages.ts';
import { sessionTerms } from '@wardround/protocols/secure-aggregation/session-terms.ts';
import type { PinnedRoster } from '@wardround/protocols/secure-aggregation/signed-message.ts';
import { transcriptHash, transcriptOf } from '@wardround/protocols/secure-aggregation/transcript.ts';
import type { SessionDocument } from '@wardround/protocols/session/messages.ts';
import { codeBitsOf, type StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { StageModels } from '../../aggregation/model-work.ts';
import type { BlobStore } from '../../storage/blob-store.ts';

export interface SessionParts {
  /** Holds the messages. */
  readonly messages: BlobStore;
  readonly models: StageModels;
  /** The roster of that hash, or the newest; null where there is none. */
  readonly roster: (hash: Sha256Hex | null) => Promise<PinnedRoster | null>;
}

type Cohort = SessionTerms['cohort'];

/** The messages of a step do not fit together: the attempt cannot go on. */
export class SessionBrokenError extends Error {
  override readonly name = 'SessionBrokenError';
  readonly reason: string;
  readonly suspect: string | null;

  constructor(reason: string, suspect: string | null) {
    super(`Cannot go on with the session: ${reason}`);
    this.reason = reason;
    this.suspect = suspect;
  }
}

export interface SessionParty {
  /** In the phase of the round's open step. */
  readonly state: CoordinatorState;
  /** What each site of the open step needs to answer it; null for `advertise`. */
  readonly document: ((site: string) => SessionDocument) | null;
}

/** The cohort of a site; undefined where the round has none, or none yet. */
export function cohortOfSite(state: StudyState, site: string): Cohort {
  const cohorts = currentRound(state)?.session?.cohorts;
  return cohorts === undefined ? undefined : cohortOf(cohorts, site);
}

/**
 * The session of the study's current round, or of one of its cohorts, up to its open step or, when all are closed, its last
 * one.
 *
 * @param study `cohort`: needed where the round has cohorts.
 * @throws {SessionBrokenError}
 */
export async function rebuildParty(
  { state, plan, cohort }: { readonly state: StudyState; readonly plan: StudyPlan; readonly cohort?: Cohort },
  parts: SessionParts,
): Promise<SessionParty> {
  const round = currentRound(state);
  const stage = currentStage(state);
  const planned = plan.stages.find(({ name }) => name === stage?.name);
  const isOfCohort = round?.session?.cohorts === undefined || cohort !== undefined;
  if (round?.session === undefined || stage === undefined || planned === undefined || !isOfCohort) {
    throw new RangeError('Cannot make the session again: the study has none now');
  }
  const { session } = round;
  const said = await readMessages(session, { folder: parts.messages, cohort });
  const first = said.get('advertise')?.[0];
  const bound = first === undefined ? null : AdvertiseMessage.parse(first).body.terms.roster;
  const roster = await parts.roster(bound);
  if (roster === null) throw new SessionBrokenError('no-roster', null);
  const terms = sessionTerms(
    {
      study: state.study,
      stage: stage.name,
      round: round.round,
      attempt: session.attempt,
      model: round.startModel,
      layout: parts.models.layout(plan, planned),
      codeBits: codeBitsOf(plan),
      cohort,
    },
    roster,
  );

  let party = openSession(terms, roster);
  let document: SessionParty['document'] = null;
  for (const phase of PHASES) {
    const next = PHASES[PHASES.indexOf(phase) + 1];
    const survivors = next === undefined ? undefined : session.steps[next]?.sites;
    for (const message of said.get(phase) ?? []) {
      // Whoever left after answering is not among those who go on.
      if (survivors !== undefined && !survivors.includes(message.header.site)) continue;
      const received = receive(party, message);
      if (!received.ok) throw new SessionBrokenError(received.reason, received.suspect);
      party = received.state;
    }
    if (survivors === undefined || phase === 'unmask') break;
    const closed: Closing<unknown> = CLOSINGS[phase](party);
    if (!closed.ok) throw new SessionBrokenError(closed.reason, closed.suspect);
    party = closed.state;
    document = documentOf(next!, closed.answer);
  }
  return { state: party, document };
}

/**
 * What takes the masks out of the sum of the survivors' vectors, and the name of the session's messages.
 *
 * @throws {SessionBrokenError}
 */
export function unmaskSession({ state }: SessionParty): {
  readonly instructions: readonly MaskInstruction[];
  readonly survivors: readonly string[];
  readonly transcript: Sha256Hex;
} {
  const closed = closeUnmasking(state);
  if (!closed.ok) throw new SessionBrokenError(closed.reason, closed.suspect);
  return {
    instructions: closed.answer,
    survivors: state.survivors ?? [],
    transcript: transcriptHash(transcriptOf(state)),
  };
}

function documentOf(step: Phase, answer: unknown): (site: string) => SessionDocument {
  return (site) => {
    const document = answer instanceof Map ? answer.get(site) : answer;
    return { step, document } as SessionDocument;
  };
}

async function readMessage(body: Sha256Hex, folder: BlobStore): Promise<SignedMessage> {
  return SiteMessage.parse(JSON.parse(Buffer.from(await folder.read(body)).toString())) as SignedMessage;
}

/**
 * The messages that were read last: a session is made again for every message and every document, and their files would be
 * read and checked each time. A message's name is the hash of its content.
 */
const lastRead = new WeakMap<BlobStore, Map<Sha256Hex, SignedMessage>>();

/** Of them those of this session; others are forgotten. */
function messagesOf({ steps }: SessionState, folder: BlobStore): Map<Sha256Hex, SignedMessage> {
  const bodies = new Set(
    PHASES.flatMap((phase) => Object.values(steps[phase]?.messages ?? {}).map(({ body }) => body)),
  );
  const known = lastRead.get(folder) ?? new Map<Sha256Hex, SignedMessage>();
  lastRead.set(folder, known);
  for (const body of known.keys()) if (!bodies.has(body)) known.delete(body);
  return known;
}

async function readMessages(
  session: SessionState,
  { folder, cohort }: { readonly folder: BlobStore; readonly cohort: Cohort },
): Promise<Map<Phase, SignedMessage[]>> {
  const found = new Map<Phase, SignedMessage[]>();
  const known = messagesOf(session, folder);
  for (const phase of PHASES) {
    const messages: SignedMessage[] = [];
    for (const [site, { body }] of Object.entries(session.steps[phase]?.messages ?? {})) {
      if (cohort !== undefined && !cohort.members.includes(site)) continue;
      const message = known.get(body) ?? (await readMessage(body, folder));
      known.set(body, message);
      messages.push(message);
    }
    if (messages.length > 0) found.set(phase, messages);
  }
  return found;
}
