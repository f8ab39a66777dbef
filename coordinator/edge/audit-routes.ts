/** How sites watch the audit log (protocols/audit/messages.ts). */
import { CosignatureOffer } from '@wardround/protocols/audit/messages.ts';
import type { Acknowledgement } from '@wardround/protocols/session/messages.ts';
import { type Router as ExpressRouter, type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Registry } from '../registry/registry.ts';
import { admitCaller, type Gate, messageRoute, parse } from './message-route.ts';
import { readBody } from './read-body.ts';

const SeenSize = z.strictObject({
  from: z
    .string()
    .regex(/^(?:0|[1-9]\d{0,14})$/)
    .transform(Number),
});

export function auditRoutes(
  gate: Gate,
  { log, registry }: { readonly log: AuditLog; readonly registry: Registry },
): ExpressRouter {
  const router = Router();

  router.get('/v1/audit/checkpoint', async (request: Request, response: Response) => {
    const { contentSha256 } = await admitCaller(gate, request, 'admitted');
    const { from } = parse(SeenSize, request.query, 404);
    await readBody(request, { maximumBytes: 0, contentSha256 });
    gate.send(request, response, { status: 200, body: await log.answer(from) });
  });

  router.post(
    '/v1/audit/cosignature',
    messageRoute(gate, {
      audience: 'admitted',
      body: CosignatureOffer,
      async handle({ caller, body }) {
        const site = await registry.find(caller);
        if (site !== null) await log.cosign(body, site);
        const acknowledged: Acknowledgement = { ok: true };
        return acknowledged;
      },
    }),
  );

  return router;
}
