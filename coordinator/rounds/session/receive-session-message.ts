/** Takes a site's message of a session: is it its turn, is it what the protocol asks for, is the vector there? */

import type { SessionStep } from '@wardround/protocols/round/session-state.ts';
import { currentRound } from '@wardround/protocols/round/state.ts';
import type { SessionMessageInput } from '@wardround/protocols/round/study-input.ts';
import { type CoordinatorState, receive } from '@wardround/protocols/secure-aggregation/coordinator-party.ts';
import type { SignedMessage } from '@wardround/protocols/secure-aggregation/messages.ts';
import { sessionWords } from '@wardround/protocols/secure-aggregation/session-terms.ts';
import type { SessionOffer } from '@wardround/protocols/session/messages.ts';
import { codeBitsOf } from '@wardround/protocols/study/plan.ts';
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import { type Sha256Hex, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { ModelWork } from '../../aggregation/model-work.ts';
import { RefusalError } from '../../refusal-error.ts';
import type { UploadStore } from '../../storage/upload-store.ts';
import { requireAccepted } from '../require-accepted.ts';
import type { StudyRunner } from '../study-runner.ts';
import { cohortOfSite, rebuildParty, SessionBrokenError, type SessionParts } from './session-party.ts';

export interface SessionAddress {
  readonly site: string;
  /** The stage's name. */
  readonly stage: string;
  readonly round: number;
  readonly attempt: number;
  readonly step: SessionStep;
}

/**
 * Resolves when the message is durably accepted, now or by an earlier offer of the same.
 *
 * @throws {RefusalError}
 */
export async function receiveSessionMessage(
  runner: StudyRunner,
  { address, offer }: { readonly address: SessionAddress; readonly offer: SessionOffer },
  parts: SessionParts & { readonly uploads: UploadStore; readonly work: ModelWork },
): Promise<void> {
  const message = offer.message as SignedMessage;
  if (message.header.phase !== address.step || message.header.site !== address.site) {
    throw new RefusalError('malformed-message', {
      status: 422,
      message: 'The message must be of the step it is sent to, and of the site that sends it.',
    });
  }
  const bytes = Buffer.from(canonicalJson(message));
  const vector = await findVector(address.site, offer, parts.uploads);
  const input: SessionMessageInput = {
    kind: 'session-message',
    ...address,
    body: sha256Hex(bytes),
    figures: offer.figures,
    vector,
    finding: null,
  };
  const isMissing = address.step === 'masked-input' && vector === null;
  // A vector that is gone after its round is no reason to ask for it again: what comes late or twice is told so.
  const preview = runner.preview(isMissing ? { ...input, vector: NOT_UPLOADED } : input);
  const wouldAccept = preview.events.some((event) => event.kind === 'session-message' && event.site === address.site);
  if (wouldAccept && isMissing) {
    throw new RefusalError('blob-missing', {
      status: 409,
      message: 'The masked vector has not been uploaded. Upload it, then send the message again.',
    });
  }
  if (!wouldAccept) {
    if (isMissing && preview.events.length === 0) {
      requireAccepted(preview);
      return;
    }
    // Evidence is worth nothing without what was said.
    if (preview.events.some(({ kind }) => kind === 'session-conflict')) await parts.messages.put(bytes);
    requireAccepted(await runner.submit(input));
    return;
  }
  const finding =
    (await checkMessage(runner, message, parts)) ?? (await checkVector(runner, { address, offer }, parts));
  if (finding === null) await parts.messages.put(bytes);
  requireAccepted(await runner.submit({ ...input, finding }));
}

async function findVector(site: string, { blob, message }: SessionOffer, uploads: UploadStore) {
  if (message.header.phase !== 'masked-input') return null;
  const size = blob === null ? null : await (await uploads.of(site)).size(blob);
  return blob === null || size === null ? null : { blob, bytes: size };
}

/** In the place of a vector that is not there: for asking whether one would be taken. */
const NOT_UPLOADED = { blob: '0'.repeat(64) as Sha256Hex, bytes: 0 };

async function checkMessage(runner: StudyRunner, message: SignedMessage, parts: SessionParts): Promise<string | null> {
  let state: CoordinatorState;
  try {
    const study = runner.state();
    const cohort = cohortOfSite(study, message.header.site);
    ({ state } = await rebuildParty({ state: study, plan: runner.plan, cohort }, parts));
  } catch (error) {
    if (error instanceof SessionBrokenError && error.reason === 'no-roster') return error.reason;
    throw error;
  }
  const received = receive(state, message);
  if (!received.ok) return received.reason;
  return isKeyRepeated(state, message) ? 'key-repeated' : null;
}

/** A key that another site has advertised already: whoever copies it would break the session for all. */
function isKeyRepeated(state: CoordinatorState, message: SignedMessage): boolean {
  if (!('maskKey' in message.body)) return false;
  const { maskKey, shareKey } = message.body;
  const known = state.messages.flatMap(({ header, body }) =>
    'maskKey' in body && header.site !== message.header.site ? [body.maskKey, body.shareKey] : [],
  );
  return maskKey === shareKey || known.includes(maskKey) || known.includes(shareKey);
}

async function checkVector(
  runner: StudyRunner,
  { address, offer }: { readonly address: SessionAddress; readonly offer: SessionOffer },
  { work, models }: { readonly work: ModelWork } & Pick<SessionParts, 'models'>,
): Promise<string | null> {
  const { body } = offer.message;
  const state = runner.state();
  const round = currentRound(state);
  if (offer.blob === null || !('maskedInput' in body) || round === undefined) return null;
  const stage = state.stages.length - 1;
  const finding = await work.inspectMasked({
    plan: runner.plan,
    stage,
    study: state.study,
    round: round.round,
    startModel: round.startModel,
    sites: round.sites.length,
    site: address.site,
    blob: offer.blob,
    words: sessionWords(models.layout(runner.plan, runner.plan.stages[stage]!), codeBitsOf(runner.plan)),
    maskedInput: body.maskedInput,
  });
  return finding;
}
