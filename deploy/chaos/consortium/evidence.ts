/** What went over the line: what sites have said and what the coordinator has acknowledged. */
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import { type Sha256Hex, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { SIGNATURE_HEADERS } from '@wardround/shared/crypto/signed-request.ts';
import type { Exchange, PassingRequest } from '../link/chaos-proxy.ts';

export interface SessionWord {
  readonly site: string;
  readonly study: string;
  readonly stage: string;
  readonly round: number;
  readonly attempt: number;
  readonly step: string;
  /** Hash of the signed message. */
  readonly body: Sha256Hex;
}

export interface Evidence {
  /** Every message of a session that left a site, in order. */
  readonly said: readonly SessionWord[];
  /** Those that the coordinator answered with success, whether or not the answer arrived. */
  readonly acknowledged: readonly SessionWord[];
  onRequest(request: PassingRequest & { readonly body: Buffer }): void;
  onExchange(exchange: Exchange): void;
}

const SESSION_PATH = /^\/v1\/studies\/(\w+)\/stages\/([\w-]+)\/rounds\/(\d+)\/attempts\/(\d)\/([\w-]+)$/;

export function collectEvidence(): Evidence {
  const said: SessionWord[] = [];
  const acknowledged: SessionWord[] = [];
  return {
    said,
    acknowledged,
    onRequest(request) {
      const word = wordOf(request, request.body);
      if (word !== null) said.push(word);
    },
    onExchange(exchange) {
      const word = exchange.status === 200 ? wordOf(exchange, exchange.requestBody) : null;
      if (word !== null) acknowledged.push(word);
    },
  };
}

function wordOf({ method, path, headers }: PassingRequest, body: Buffer): SessionWord | null {
  const [, study, stage, round, attempt, step] = SESSION_PATH.exec(path) ?? [];
  if (method !== 'POST' || study === undefined || stage === undefined || step === undefined) return null;
  return {
    site: headers.get(SIGNATURE_HEADERS.site.toLowerCase()) ?? '',
    study,
    stage,
    round: Number(round),
    attempt: Number(attempt),
    step,
    body: sha256Hex(canonicalJson(JSON.parse(body.toString()).message)),
  };
}
