/** The roster as sites ask for it, approve it and wish for other keys (protocols/enrolment/roster-messages.ts). */
import { KeyRotation, type SignedRoster } from '@wardround/protocols/enrolment/roster.ts';
import { type RosterAnswer, RosterApprovalMessage } from '@wardround/protocols/enrolment/roster-messages.ts';
import type { Acknowledgement } from '@wardround/protocols/session/messages.ts';
import { type Router as ExpressRouter, Router } from 'express';
import { z } from 'zod';
import { RefusalError } from '../refusal-error.ts';
import type { RosterKeeper } from '../registry/roster-keeper.ts';
import { type Gate, messageRoute } from './message-route.ts';

/** An answer holds no more than a site reads. */
const MOST_BYTES = 2 << 20;

const AfterEpoch = z.object({
  epoch: z
    .string()
    .regex(/^(?:0|[1-9]\d{0,6})$/)
    .transform(Number),
});

const acknowledged: Acknowledgement = { ok: true };

export function rosterRoutes(gate: Gate, { roster }: { readonly roster: RosterKeeper }): ExpressRouter {
  const router = Router();

  router.get(
    '/v1/roster/:epoch',
    messageRoute(gate, {
      audience: 'enrolled',
      parameters: AfterEpoch,
      async handle({ parameters }): Promise<RosterAnswer> {
        const epochs = firstThatFit(roster.chain().slice(parameters.epoch));
        const proposal = roster.proposal()?.roster ?? null;
        return { epochs, newest: roster.chain().length, proposal };
      },
    }),
  );

  router.post(
    '/v1/roster/approvals',
    messageRoute(gate, {
      audience: 'admitted',
      body: RosterApprovalMessage,
      async handle({ caller, body }) {
        requireOwn(caller, body.approval.by);
        await roster.approve(body.roster, body.approval);
        return acknowledged;
      },
    }),
  );

  router.post(
    '/v1/roster/rotations',
    messageRoute(gate, {
      audience: 'admitted',
      body: KeyRotation,
      async handle({ caller, body }) {
        requireOwn(caller, body.site);
        const waits = roster.proposal()?.roster.rotations.some(({ signingKey }) => signingKey === body.signingKey);
        const isDone = roster.newest()?.sites.some(({ signingKey }) => signingKey === body.signingKey);
        if (!waits && !isDone) await roster.propose({ rotate: [body] });
        return acknowledged;
      },
    }),
  );

  return router;
}

function requireOwn(caller: string, named: string): void {
  if (caller === named) return;
  throw new RefusalError('not-yours', { status: 403, message: 'A site speaks of the roster in its own name only.' });
}

/** At least one, so that whoever asks gets on. */
function firstThatFit(epochs: readonly SignedRoster[]): SignedRoster[] {
  let bytes = 0;
  const end = epochs.findIndex((signed, index) => {
    bytes += JSON.stringify(signed).length;
    return index > 0 && bytes > MOST_BYTES;
  });
  return epochs.slice(0, end === -1 ? epochs.length : end);
}
