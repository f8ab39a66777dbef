/** Sends a JSON answer, signed and bound to the request's nonce so that it fits no other request. */
import { createHash } from 'node:crypto';
import { SIGNATURE_HEADERS, signAnswer } from '@wardround/shared/crypto/signed-request.ts';
import type { Request, Response } from 'express';
import type { OwnIdentity } from './caller.ts';

export type SendAnswer = (
  request: Request,
  response: Response,
  answer: { readonly status: number; readonly body: unknown },
) => void;

const noncePattern = /^[A-Za-z0-9_-]{43}$/;

export function createSendAnswer({ identity }: Pick<OwnIdentity, 'identity'>, now: () => number): SendAnswer {
  return (request, response, { status, body }) => {
    const bytes = Buffer.from(JSON.stringify(body));
    const requestNonce = request.headers[SIGNATURE_HEADERS.nonce];
    // A request without a nonce (the coordinator's public keys, or garbage) gets an answer that proves nothing.
    if (typeof requestNonce === 'string' && noncePattern.test(requestNonce)) {
      const bodyHash = createHash('sha256').update(bytes).digest('hex');
      response.set(signAnswer({ identity, status, bodyHash, requestNonce, nowMillis: now() }));
    }
    response.status(status).type('application/json').set('cache-control', 'no-store').send(bytes);
  };
}
