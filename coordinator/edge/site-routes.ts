/** What sites say and ask (protocols/session/messages.ts), without blobs. */
import { Sha256, Slug } from '@wardround/protocols/names.ts';
import { isOver } from '@wardround/protocols/round/state.ts';
import { PHASES } from '@wardround/protocols/secure-aggregation/messages.ts';
import { DOCUMENT_SIGNATURE_HEADER, signDocument } from '@wardround/protocols/session/document-statement.ts';
import {
  type Acknowledgement,
  type CoordinatorIdentity,
  Decline,
  EnrolmentRequest,
  EvaluationOffer,
  Progress,
  SessionOffer,
  SiteReady,
  type StudyStanding,
  UpdateOffer,
  type Work,
} from '@wardround/protocols/session/messages.ts';
import { SIGNATURE_HEADERS } from '@wardround/shared/crypto/signed-request.ts';
import { failpoint } from '@wardround/shared/failpoints/failpoint.ts';
import { type Router as ExpressRouter, type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { ModelWork } from '../aggregation/model-work.ts';
import { RefusalError } from '../refusal-error.ts';
import type { Registry } from '../registry/registry.ts';
import { receiveEvaluation } from '../rounds/receive-evaluation.ts';
import { receiveUpdate } from '../rounds/receive-update.ts';
import { requireAccepted } from '../rounds/require-accepted.ts';
import { receiveSessionMessage } from '../rounds/session/receive-session-message.ts';
import { modelChain, sessionDocument } from '../rounds/session/session-document.ts';
import type { SessionParts } from '../rounds/session/session-party.ts';
import type { Studies } from '../rounds/studies.ts';
import type { StudyRunner } from '../rounds/study-runner.ts';
import type { NonceMemory } from '../storage/nonce-memory.ts';
import type { UploadStore } from '../storage/upload-store.ts';
import { type OwnIdentity, verifyCaller } from './caller.ts';
import type { HoldStatement } from './hold-statements.ts';
import { limits } from './limits.ts';
import { type Gate, messageRoute, parse, parseJson, requireTokens } from './message-route.ts';
import type { ProgressBoard } from './progress-board.ts';
import { readBody } from './read-body.ts';

/** How soon a site without a socket should ask again. */
const askAgainSeconds = { idle: 5, 'pending-admission': 2 } as const;

const InStudy = z.object({ study: Sha256 });
const InRound = z.object({
  study: Sha256,
  stage: Slug,
  round: z
    .string()
    .regex(/^[1-9]\d{0,4}$/)
    .transform(Number),
});

const InStage = InRound.pick({ study: true, stage: true });
const InSession = InRound.extend({
  attempt: z
    .string()
    .regex(/^[1-9]$/)
    .transform(Number),
  step: z.enum(PHASES),
});

const acknowledged: Acknowledgement = { ok: true };

export function siteRoutes(
  gate: Gate,
  parts: {
    readonly own: OwnIdentity;
    readonly registry: Registry;
    readonly nonces: NonceMemory;
    readonly studies: Studies;
    readonly uploads: UploadStore;
    readonly work: ModelWork;
    readonly sessions: SessionParts;
    readonly progress: ProgressBoard;
    readonly hold: HoldStatement;
    readonly now: () => number;
  },
): ExpressRouter {
  const { own, registry, studies, progress, hold, now } = parts;
  const router = Router();

  const find = (study: string): StudyRunner => {
    const runner = studies.find(study);
    if (runner !== undefined) return runner;
    throw new RefusalError('wrong-study', { status: 404, message: 'There is no such study here. Ask for work.' });
  };

  router.get('/v1/identity', (request, response) => {
    requireTokens(gate.strangers, request.ip ?? '');
    const identity: CoordinatorIdentity = { format: 'wardround-coordinator/1', ...own.keys };
    gate.send(request, response, { status: 200, body: identity });
  });

  router.post('/v1/enrolments', async (request: Request, response: Response) => {
    requireTokens(gate.strangers, request.ip ?? '');
    const { method, originalUrl: path, headers } = request;
    const declared = String(headers[SIGNATURE_HEADERS.contentSha256] ?? '');
    const bytes = await readBody(request, { maximumBytes: limits.messageBytes, contentSha256: declared });
    const enrolment = parse(EnrolmentRequest, parseJson(bytes), 422);
    if (headers[SIGNATURE_HEADERS.site] !== enrolment.site) {
      throw new RefusalError('malformed-message', {
        status: 422,
        message: 'The request must be signed under its site’s name.',
      });
    }
    const { site: name, signingKey } = enrolment;
    const signer = { name, signingKey, sequences: null };
    await verifyCaller({ method, path, headers }, { own, nonces: parts.nonces, now, ...signer });
    gate.send(request, response, { status: 200, body: await registry.enrol(enrolment) });
  });

  router.get(
    '/v1/work',
    messageRoute(gate, {
      audience: 'enrolled',
      async handle({ caller }): Promise<Work> {
        const site = await registry.find(caller);
        const waiting = site?.status === 'admitted' ? 'idle' : 'pending-admission';
        if (waiting !== 'idle') return { kind: waiting, askAgainSeconds: askAgainSeconds[waiting] };
        const work = studies.workFor(caller, (study) => progress.isWaiting(caller, study));
        const paused = studies.pausedFor(caller);
        const mayFinish = paused.length > 0 && { mayFinish: [...paused] };
        return work ?? { kind: waiting, askAgainSeconds: askAgainSeconds[waiting], ...mayFinish };
      },
    }),
  );

  router.post(
    '/v1/studies/:study/ready',
    messageRoute(gate, {
      audience: 'admitted',
      body: SiteReady,
      parameters: InStudy,
      async handle({ caller, body, parameters }) {
        requireAccepted(await find(parameters.study).submit({ kind: 'ready', site: caller, ready: body }));
        return acknowledged;
      },
      onAnswered: () => failpoint('ready', 'after-ack'),
    }),
  );

  router.post(
    '/v1/studies/:study/decline',
    messageRoute(gate, {
      audience: 'admitted',
      body: Decline,
      parameters: InStudy,
      async handle({ caller, body, parameters }) {
        requireAccepted(await find(parameters.study).submit({ kind: 'decline', site: caller, reason: body.reason }));
        return acknowledged;
      },
    }),
  );

  router.post(
    '/v1/studies/:study/stages/:stage/rounds/:round/update',
    messageRoute(gate, {
      audience: 'admitted',
      body: UpdateOffer,
      parameters: InRound,
      async handle({ caller, body, parameters, signed }) {
        const { study, stage, round } = parameters;
        const address = { site: caller, stage, round };
        await hold({ site: caller, study, signed: signed() }, () =>
          receiveUpdate(find(study), { address, offer: body }, parts),
        );
        return acknowledged;
      },
    }),
  );

  router.post(
    '/v1/studies/:study/stages/:stage/rounds/:round/decline',
    messageRoute(gate, {
      audience: 'admitted',
      body: Decline,
      parameters: InRound,
      async handle({ caller, body, parameters }) {
        const { study, stage, round } = parameters;
        const { reason } = body;
        requireAccepted(await find(study).submit({ kind: 'decline-round', site: caller, stage, round, reason }));
        return acknowledged;
      },
    }),
  );

  router.get(
    '/v1/studies/:study',
    messageRoute(gate, {
      audience: 'admitted',
      parameters: InStudy,
      handle: async ({ parameters }): Promise<StudyStanding> => ({ isOver: isOver(find(parameters.study).state()) }),
    }),
  );

  router.get(
    '/v1/studies/:study/stages/:stage/chain',
    messageRoute(gate, {
      audience: 'admitted',
      parameters: InStage,
      handle: async ({ parameters }) => modelChain(find(parameters.study), parameters.stage),
    }),
  );

  router.get(
    '/v1/studies/:study/stages/:stage/rounds/:round/attempts/:attempt/:step',
    messageRoute(gate, {
      audience: 'admitted',
      parameters: InSession,
      handle: ({ caller, parameters: { study, ...place } }) =>
        sessionDocument(find(study), { site: caller, ...place }, parts.sessions),
      headers: ({ caller: site, path, answer: document }) => ({
        [DOCUMENT_SIGNATURE_HEADER]: signDocument({ site, path, document }, own.identity),
      }),
    }),
  );

  router.post(
    '/v1/studies/:study/stages/:stage/rounds/:round/attempts/:attempt/:step',
    messageRoute(gate, {
      audience: 'admitted',
      body: SessionOffer,
      parameters: InSession,
      async handle({ caller, body, parameters: { study, ...place }, signed }) {
        const address = { site: caller, ...place };
        await hold({ site: caller, study, signed: signed() }, () =>
          receiveSessionMessage(find(study), { address, offer: body }, { ...parts, ...parts.sessions }),
        );
        return acknowledged;
      },
      onAnswered: ({ step }) => failpoint(step, 'after-ack'),
    }),
  );

  router.post(
    '/v1/studies/:study/evaluation',
    messageRoute(gate, {
      audience: 'admitted',
      body: EvaluationOffer,
      maximumBytes: limits.evaluationBytes,
      parameters: InStudy,
      async handle({ caller, body, parameters }) {
        await receiveEvaluation(find(parameters.study), { site: caller, offer: body }, own.identity);
        return acknowledged;
      },
    }),
  );

  router.post(
    '/v1/progress',
    messageRoute(gate, {
      audience: 'admitted',
      body: Progress,
      async handle({ caller, body }) {
        progress.note(caller, body);
        return acknowledged;
      },
    }),
  );

  return router;
}
