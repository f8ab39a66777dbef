/**
 * This site's part in a round's secure-aggregation session, one step at a time: what the coordinator answers is checked by
 * the protocol, the new state is made durable, and only then the message leaves. After a restart a step that was taken is
 * not taken again: its message is sent once more as it was.
 */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { memberNames, rosterHash } from '@wardround/protocols/enrolment/roster.ts';
import { sessionRoster } from '@wardround/protocols/enrolment/session-roster.ts';
import { maskInstructions } from '@wardround/protocols/secure-aggregation/mask-instructions.ts';
import type { SignedMessage } from '@wardround/protocols/secure-aggregation/messages.ts';
import { sessionTerms } from '@wardround/protocols/secure-aggregation/session-terms.ts';
import {
  acceptShares,
  advertise,
  confirmSurvivors,
  type SiteContext as PartyContext,
  type SiteRefusal,
  shareKeys,
  submitMaskedInput,
  unmask,
} from '@wardround/protocols/secure-aggregation/site-party.ts';
import type { SiteState } from '@wardround/protocols/secure-aggregation/site-state.ts';
import type { SessionDocument, SessionOffer, Work } from '@wardround/protocols/session/messages.ts';
import { codeBitsOf, type StudyPlan } from '@wardround/protocols/study/plan.ts';
import { stageLayout } from '@wardround/protocols/study/stage-layout.ts';
import { updateContext } from '@wardround/protocols/transfer/envelope-contexts.ts';
import { failpoint } from '@wardround/shared/failpoints/failpoint.ts';
import type { SiteLink } from '../../link/site-link.ts';
import type { SiteLog } from '../../log/site-log.ts';
import { sessionFloors } from '../../policy/session-floors.ts';
import { readPolicy } from '../../policy/site-policy.ts';
import { isWhole } from '../../state/is-whole.ts';
import { dropVector, type KeptSession, keepSession, readKeptSession, vectorFile } from '../../state/kept-session.ts';
import { outboxFile, outboxFolder } from '../../state/outbox.ts';
import { newestOf, pinnedChain } from '../../state/pinned-roster.ts';
import { DeclineError } from '../decline-error.ts';
import { transferProgress } from '../rounds/transfer-progress.ts';
import type { Trainer } from '../trainer.ts';
import type { TaskProgress } from '../worker-messages.ts';
import { hearDocument } from './hear-document.ts';
import { cohortWrong, ownCohort } from './own-cohort.ts';

export type SessionWork = Omit<Extract<Work, { kind: 'secure-session' }>, 'kind'>;

export interface SessionContext {
  readonly folder: string;
  readonly site: string;
  /** The coordinator's X25519 key, base64url. */
  readonly sealingKey: string;
  /** This site's ed25519 private key. */
  readonly signingSeed: Uint8Array;
  readonly link: Pick<SiteLink, 'sessionDocument' | 'sendSessionMessage' | 'upload' | 'coordinatorMillis'>;
  readonly trainer: Pick<Trainer, 'run'>;
  readonly log: SiteLog;
  /** The models that plans describe, unless a test has others. */
  readonly layoutOf?: typeof stageLayout | undefined;
}

export interface SessionPiece {
  readonly work: SessionWork;
  readonly plan: StudyPlan;
  readonly signal: AbortSignal;
  /** Told how far the upload of the masked update has come. */
  readonly onProgress?: (progress: TaskProgress) => void;
}

/** @throws {DeclineError} when the step may not be taken: the reason is the protocol's. */
export async function performSessionStep(piece: SessionPiece, context: SessionContext): Promise<void> {
  const { work, signal } = piece;
  const kept = await readKeptSession(context.folder, work);
  if (kept === null || kept.round !== work.round || kept.model !== work.model) {
    throw new DeclineError('session-not-known', 'Cannot take part: this site has not trained for that round.');
  }
  const { party, taken } = await takeStep(piece, kept, context);
  const offer = {
    message: party as SessionOffer['message'],
    figures: work.step === 'advertise' ? taken.figures : null,
    blob: work.step === 'masked-input' ? (taken.masked?.blob ?? null) : null,
  };
  await context.link.sendSessionMessage(work, offer, signal);
  failpoint(work.step, 'after-ack');
  if (work.step === 'unmask') context.log.info({ ...reference(work) }, 'Revealed its shares for the sum of the round');
}

/** The step's message, with the state that is durable by now. */
async function takeStep(
  piece: SessionPiece,
  kept: KeptSession,
  context: SessionContext,
): Promise<{ readonly party: SignedMessage; readonly taken: KeptSession }> {
  const { work } = piece;
  const { party } = kept;
  const isOfAttempt = party !== null && party.terms.attempt === work.attempt;
  if (isOfAttempt && party.phase === DONE[work.step]) {
    // What is asked once more must be what was asked.
    if (work.step !== 'advertise') await hearDocument(piece, kept, context);
    if (work.step === 'masked-input') {
      const { blob } = requireMasked(kept);
      if (!(await isWhole(outboxFile(context.folder, blob), blob))) throw maskedLost();
      await upload(piece, kept, context);
    }
    return { party: party.last, taken: kept };
  }
  const own = await partyContext({ plan: piece.plan, roster: isOfAttempt ? party.terms.roster : null }, context);
  if (work.step === 'advertise') {
    const cohort = ownCohort(piece, own);
    const terms = sessionTerms(
      { ...work, layout: layoutOf(piece, context), codeBits: codeBitsOf(piece.plan), cohort },
      own.roster,
    );
    const step = advertise(party, { terms, context: own });
    if (!step.ok) throw await refused(kept, step, context);
    return commit({ ...kept, party: step.state, masked: null }, step.message, context);
  }
  if (party === null || !isOfAttempt) {
    throw new DeclineError('session-not-known', 'Cannot take part: this site is not in that attempt of the session.');
  }
  if ((party.terms.cohort === undefined) !== (piece.plan.protection.cohorts === undefined)) throw cohortWrong();
  const { document: answer, kept: heard } = await hearDocument(piece, kept, context);
  switch (answer.step) {
    case 'share-keys': {
      const step = shareKeys(party, { broadcast: answer.document as never, context: own });
      if (!step.ok) throw await refused(heard, step, context);
      return commit({ ...heard, party: step.state }, step.message, context);
    }
    case 'masked-input':
      return mask(piece, { kept: heard, party, answer, own }, context);
    case 'consistency': {
      const step = confirmSurvivors(party, { announced: answer.document, context: own });
      if (!step.ok) throw await refused(heard, step, context);
      return commit({ ...heard, party: step.state }, step.message, context);
    }
    case 'unmask': {
      const step = unmask(party, { proof: answer.document as never, context: own });
      if (!step.ok) throw await refused(heard, step, context);
      const revealed = await commit({ ...heard, party: step.state, hasVector: false }, step.message, context);
      // Nothing more can be masked in this round: what was trained goes.
      await dropVector(context.folder, work);
      if (kept.masked !== null) await rm(outboxFile(context.folder, kept.masked.blob), { force: true });
      return revealed;
    }
    default:
      return answer satisfies never;
  }
}

/** The state that a step leaves; with it, the step was taken and its message is to be sent again as it was. */
const DONE = {
  advertise: 'advertised',
  'share-keys': 'sharing',
  'masked-input': 'masked',
  consistency: 'consistent',
  unmask: 'revealed',
} as const;

async function mask(
  piece: SessionPiece,
  known: {
    readonly kept: KeptSession;
    readonly party: SiteState;
    readonly answer: Extract<SessionDocument, { step: 'masked-input' }>;
    readonly own: PartyContext;
  },
  context: SessionContext,
) {
  const { work, signal } = piece;
  const { folder, site, sealingKey } = context;
  const { kept, answer, own } = known;
  let { party } = known;
  if (party.phase === 'sharing') {
    const accepted = acceptShares(party, { delivery: answer.document as never, context: own });
    if (!accepted.ok) throw await refused(kept, accepted, context);
    party = accepted.state;
    await keepSession(folder, { ...kept, party });
  }
  if (party.phase !== 'masking') {
    throw new DeclineError('session-not-known', 'Cannot take part: this site is not at that step of the session.');
  }
  const { study, stage, round, model } = work;
  const masked = await context.trainer.run(
    {
      kind: 'mask',
      vectorFile: await vectorFile(folder, work),
      codeBits: codeBitsOf(piece.plan),
      instructions: maskInstructions(party),
      sealing: { recipientSealingKey: sealingKey, context: updateContext({ study, stage, round, site, model }) },
      outbox: outboxFolder(folder),
    },
    { signal, onProgress: () => undefined },
  );
  const step = submitMaskedInput(party, { maskedInput: masked.maskedInput, context: own });
  if (!step.ok) throw await refused(kept, step, context);
  const next = { ...kept, party: step.state, masked: { blob: masked.blob.hash, bytes: masked.bytes } };
  const done = await commit(next, step.message, context);
  await upload(piece, next, context);
  return done;
}

async function upload(
  { work, signal, onProgress = () => undefined }: SessionPiece,
  kept: KeptSession,
  context: SessionContext,
): Promise<void> {
  const { blob, bytes } = requireMasked(kept);
  const { bandwidthBytesPerSecond: bytesPerSecond } = await readPolicy(context.folder);
  const file = outboxFile(context.folder, blob);
  const { epsilon = null } = kept;
  const { stage, round } = work;
  const sending = transferProgress(onProgress, { activity: 'sending', stage, round, total: bytes });
  await context.link.upload(
    { hash: blob, file, bytes, round: work, epsilon, bytesPerSecond, onProgress: sending },
    signal,
  );
  failpoint('upload', 'after-ack');
}

function requireMasked({ masked }: KeptSession): NonNullable<KeptSession['masked']> {
  if (masked === null) throw maskedLost();
  return masked;
}

/** Nobody waits until it is on the disk: after a power cut in the middle of its upload this site leaves the round. */
function maskedLost(): DeclineError {
  return new DeclineError('session-not-known', 'Cannot take part: the masked update of this round is not there.');
}

/** Makes the state durable; from then on the message may leave. */
async function commit(taken: KeptSession, party: SignedMessage, { folder }: SessionContext) {
  failpoint(party.header.phase, 'before-journal');
  await keepSession(folder, taken);
  failpoint(party.header.phase, 'after-journal');
  return { party, taken };
}

async function refused(kept: KeptSession, { reason, suspect, state }: SiteRefusal, context: SessionContext) {
  if (state !== null) await keepSession(context.folder, { ...kept, party: state });
  context.log.warn({ study: kept.study, stage: kept.stage, round: kept.round, reason, suspect }, 'Left the session');
  return new DeclineError(reason, `Cannot go on with the session: ${reason.replaceAll('-', ' ')}.`);
}

async function partyContext(
  { plan, roster: begunUnder }: { readonly plan: StudyPlan; readonly roster: string | null },
  { folder, site, signingSeed, link }: SessionContext,
): Promise<PartyContext> {
  const roster = await attemptRoster(folder, { begunUnder, nowMillis: link.coordinatorMillis() });
  const floors = sessionFloors(plan, await readPolicy(folder));
  return { site, signingSeed, roster, floors, randomBytes };
}

/**
 * The newest epoch, or for an attempt that began under an earlier one that: who joins or changes keys meanwhile ends no
 * session. Who was taken out does.
 *
 * @param options `nowMillis`: the coordinator's time, in which the roster says from when to when keys are good.
 */
async function attemptRoster(
  folder: string,
  { begunUnder, nowMillis }: { readonly begunUnder: string | null; readonly nowMillis: number },
): Promise<PartyContext['roster']> {
  const chain = await pinnedChain(folder);
  const newest = newestOf(chain);
  const begun = chain.find(({ roster }) => rosterHash(roster) === begunUnder)?.roster ?? newest;
  const members = new Set(memberNames(newest));
  const isWhole = memberNames(begun).every((site) => members.has(site));
  return sessionRoster(isWhole ? begun : newest, nowMillis);
}

function layoutOf({ work, plan }: SessionPiece, { layoutOf = stageLayout }: SessionContext) {
  const stage = plan.stages.find(({ name }) => name === work.stage);
  if (stage === undefined) throw new DeclineError('unknown-stage', 'Cannot take part: the plan has no such stage.');
  return layoutOf(plan, stage);
}

function reference({ study, stage, round, attempt }: SessionWork) {
  return { study, stage, round, attempt };
}
