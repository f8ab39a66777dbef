/** Asks the coordinator that runs on this machine's state folder, with the folder's own key. */
import { readFile } from 'node:fs/promises';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Problem } from '@wardround/protocols/session/messages.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { fingerprint, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { SIGNATURE_HEADERS, signRequest, verifyAnswer } from '@wardround/shared/crypto/signed-request.ts';
import { RefusalError } from '../refusal-error.ts';
import { administrator } from '../registry/registry.ts';
import { readAddress } from '../storage/address-file.ts';
import { readIdentity } from '../storage/identity-file.ts';
import { stateFolder } from '../storage/state-folder.ts';
import { UnreachableError } from './exit-codes.ts';

export interface AdminClient {
  get<Answer>(path: string): Promise<Answer>;
  post<Answer>(path: string, message?: unknown): Promise<Answer>;
}

const timeoutMillis = 30_000;

/** @throws {UnreachableError} when no coordinator has run on the folder. */
export async function openAdminClient(state: string): Promise<AdminClient> {
  const folder = stateFolder(state);
  const identity = await readIdentity(folder.identity);
  const address = await readAddress(folder.address);
  if (identity === null || address === null) throw notRunning();
  const keys = publicKeys(identity);
  const certificate = address.certificateFile === null ? undefined : await readFile(address.certificateFile);

  /** The coordinator goes by a steady time, from which the machine's clock may have been set away (rounds/clock.ts). */
  let clockOffsetMillis = 0;

  const ask = async (method: 'GET' | 'POST', path: string, message?: unknown): Promise<unknown> => {
    const offsetBefore = clockOffsetMillis;
    const body = message === undefined ? '' : JSON.stringify(message);
    const headers = signRequest({
      identity,
      site: administrator,
      method,
      path,
      bodyHash: sha256Hex(body),
      coordinatorFingerprint: fingerprint(keys),
      nowMillis: Math.round(Date.now() + clockOffsetMillis),
      sequence: null,
    });
    const answer = await send(new URL(path, address.url), { method, headers, body, certificate });
    let timeMillis: number;
    try {
      ({ timeMillis } = verifyAnswer(answer.headers, {
        status: answer.status,
        bodyHash: sha256Hex(answer.bytes),
        requestNonce: headers[SIGNATURE_HEADERS.nonce] ?? '',
        signingKey: keys.signingKey,
      }));
    } catch {
      throw notRunning();
    }
    const value: unknown = JSON.parse(answer.bytes.toString());
    if (answer.status === 200) return value;
    const { code, message: explanation } = Problem.parse(value);
    if (code === 'clock-skew' && offsetBefore === 0) {
      clockOffsetMillis = timeMillis - Date.now();
      return ask(method, path, message);
    }
    throw new RefusalError(code, { status: answer.status, message: explanation });
  };

  return {
    get: (path) => ask('GET', path) as Promise<never>,
    post: (path, message) => ask('POST', path, message) as Promise<never>,
  };
}

async function send(
  url: URL,
  options: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body: string;
    readonly certificate: Buffer | undefined;
  },
): Promise<{ status: number; headers: IncomingMessage['headers']; bytes: Buffer }> {
  const { method, headers, body, certificate } = options;
  try {
    const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
      const settings = { method, headers, signal: AbortSignal.timeout(timeoutMillis) };
      const outgoing =
        url.protocol === 'http:'
          ? requestHttp(url, settings, resolve)
          : // The certificate is for the public name; who answers is checked by the answer's signature.
            requestHttps(url, { ...settings, ca: certificate, checkServerIdentity: () => undefined }, resolve);
      outgoing.on('error', reject).end(body);
    });
    const pieces: Buffer[] = [];
    for await (const piece of incoming) pieces.push(piece as Buffer);
    return { status: incoming.statusCode ?? 0, headers: incoming.headers, bytes: Buffer.concat(pieces) };
  } catch {
    throw notRunning();
  }
}

function notRunning(): UnreachableError {
  return new UnreachableError(
    'Cannot reach the coordinator: none answers for this state folder. Start it with "wardround-coordinator start", or name its folder with --state.',
  );
}
