/**
 * One signed message in, one signed answer out: who sends it, whether they may, whether it has the form of its schema.
 * Every route of the coordinator but blobs is made by this.
 */

import { SignedStatement } from '@wardround/protocols/audit/verify-evidence.ts';
import { parseStrictJson } from '@wardround/shared/bytes/strict-json.ts';
import { SIGNATURE_HEADERS } from '@wardround/shared/crypto/signed-request.ts';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { z } from 'zod';
import { RefusalError } from '../refusal-error.ts';
import type { Caller, IdentifyCaller } from './caller.ts';
import { limits } from './limits.ts';
import { isPlainJson } from './plain-json.ts';
import { TooManyRequestsError } from './problem.ts';
import { readBody } from './read-body.ts';
import type { SendAnswer } from './send-answer.ts';
import type { TokenBucket } from './token-bucket.ts';

export interface Gate {
  readonly identify: IdentifyCaller;
  readonly send: SendAnswer;
  readonly callers: TokenBucket;
  readonly strangers: TokenBucket;
}

/** Who may use a route: sites that are admitted, sites that at least enrolled, or the administrator. */
export type Audience = 'admitted' | 'enrolled' | 'administrator';

/** @throws {RefusalError | SignatureRefusedError | TooManyRequestsError} */
export async function admitCaller(gate: Gate, request: Request, audience: Audience): Promise<Caller> {
  let caller: Caller;
  try {
    const { method, originalUrl: path, headers } = request;
    caller = await gate.identify({ method, path, headers });
  } catch (error) {
    requireTokens(gate.strangers, request.ip ?? '');
    throw error;
  }
  requireTokens(gate.callers, caller.name);
  if ((audience === 'administrator') !== (caller.site === null)) {
    throw new RefusalError('not-yours', {
      status: 403,
      message: 'This address is not for the one who signed the request.',
    });
  }
  if (audience === 'admitted' && caller.site?.status !== 'admitted') {
    throw new RefusalError('pending-admission', {
      status: 403,
      message: 'The site is enrolled and waits for the coordinator’s administrator to admit it.',
    });
  }
  return caller;
}

/** @throws {TooManyRequestsError} */
export function requireTokens(bucket: TokenBucket, key: string): void {
  const seconds = bucket.take(key);
  if (seconds > 0) throw new TooManyRequestsError(Math.ceil(seconds));
}

export function messageRoute<Body extends z.ZodType, Parameters extends z.ZodType, Answer>(
  gate: Gate,
  route: {
    readonly audience: Audience;
    /** Without it the request has no body. */
    readonly body?: Body;
    readonly maximumBytes?: number;
    /** The parameters in the path. */
    readonly parameters?: Parameters;
    readonly handle: (message: {
      readonly caller: string;
      readonly body: z.infer<Body>;
      readonly parameters: z.infer<Parameters>;
      readonly bytes: number;
      /** The request as it was signed, without its body; for sites, who number theirs. */
      readonly signed: () => SignedStatement;
    }) => Promise<Answer>;
    /** Headers of the answer. */
    readonly headers?: (said: {
      readonly caller: string;
      readonly path: string;
      readonly answer: Answer;
    }) => Record<string, string>;
    /** Called when the answer has left. */
    readonly onAnswered?: (parameters: z.infer<Parameters>) => void;
  },
): RequestHandler {
  return async function handleMessage(request: Request, response: Response, _next: NextFunction) {
    const caller = await admitCaller(gate, request, route.audience);
    const parameters = route.parameters === undefined ? undefined : parse(route.parameters, request.params, 404);
    const bytes = await readBody(request, {
      maximumBytes: route.body === undefined ? 0 : (route.maximumBytes ?? limits.messageBytes),
      contentSha256: caller.contentSha256,
    });
    const body = route.body === undefined ? undefined : parse(route.body, parseJson(bytes), 422);
    const answer = await route.handle({
      caller: caller.name,
      body: body as z.infer<Body>,
      parameters: parameters as z.infer<Parameters>,
      bytes: bytes.length,
      signed: () => signedStatement(request, caller),
    });
    if (route.headers) response.set(route.headers({ caller: caller.name, path: request.originalUrl, answer }));
    response.once('finish', () => route.onAnswered?.(parameters as z.infer<Parameters>));
    gate.send(request, response, { status: 200, body: answer });
  };
}

function signedStatement({ method, originalUrl: path, headers }: Request, { signingKey }: Caller): SignedStatement {
  const signature = Object.fromEntries(Object.values(SIGNATURE_HEADERS).map((name) => [name, headers[name]]));
  return SignedStatement.parse({ signingKey, method, path, headers: signature });
}

/** @throws {RefusalError} when the bytes are not JSON in UTF-8, or not plain. */
export function parseJson(bytes: Uint8Array): unknown {
  let value: unknown;
  try {
    value = parseStrictJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new RefusalError('not-json', { status: 400, message: 'The body must be JSON in UTF-8.' });
  }
  if (isPlainJson(value)) return value;
  throw new RefusalError('not-plain-json', {
    status: 400,
    message: 'The body nests too deeply or uses a name that objects inherit.',
  });
}

/** @throws {RefusalError} that names the schema's own fields only, never what was sent. */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, status: 404 | 422): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  if (status === 404) throw new RefusalError('not-found', { status, message: 'There is nothing at this address.' });
  const known = new Set(Object.keys((schema as { shape?: object }).shape ?? {}));
  const fields = [...new Set(result.error.issues.map(({ path }) => String(path[0] ?? '')))].filter((name) =>
    known.has(name),
  );
  const where = fields.length === 0 ? '' : ` Look at: ${fields.join(', ')}.`;
  throw new RefusalError('malformed-message', {
    status,
    message: `The message does not have the form of its schema.${where}`,
  });
}
