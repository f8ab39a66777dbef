/** Joining a consortium: find the coordinator that the invitation names, check its keys by their fingerprint, ask to be enrolled. */
import type { Invitation } from '@wardround/protocols/enrolment/invitation.ts';
import { sealInvitationSecret } from '@wardround/protocols/enrolment/invitation-secret.ts';
import { CoordinatorIdentity, EnrolmentAnswer, type EnrolmentRequest } from '@wardround/protocols/session/messages.ts';
import { checkPublicKeys, fingerprint, type Identity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import type { RecordEgress } from '../audit/record-hints-once.ts';
import { retry } from './backoff.ts';
import { createByteCounter } from './byte-counter.ts';
import { CoordinatorUnreachableError, UnintelligibleAnswerError, UntrustedAnswerError } from './errors.ts';
import { type Connection, createConnectionPool, exchange, readBody } from './http-exchange.ts';
import type { PinnedCoordinator } from './pinned-coordinator.ts';
import { createSignedClient, jsonBody } from './signed-client.ts';

const ATTEMPTS = 3;
const IDLE_TIMEOUT_MILLIS = 15_000;
const MAXIMUM_IDENTITY_BYTES = 10_000;

export interface Enrolled {
  readonly coordinator: PinnedCoordinator;
  readonly status: EnrolmentAnswer['status'];
}

async function fetchIdentity(url: string, connection: Connection, signal: AbortSignal): Promise<CoordinatorIdentity> {
  const request = {
    method: 'GET',
    headers: { accept: 'application/json' },
    signal,
    idleTimeoutMillis: IDLE_TIMEOUT_MILLIS,
  } as const;
  const answer = await exchange(new URL('/v1/identity', url), request, connection);
  const bytes = await readBody(answer, { maximumBytes: MAXIMUM_IDENTITY_BYTES, signal });
  if (answer.status >= 500 || answer.status === 429) {
    throw new CoordinatorUnreachableError(
      `Cannot reach the coordinator: it is not available now (status ${answer.status}).`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    json = undefined;
  }
  const parsed = CoordinatorIdentity.safeParse(json);
  if (answer.status === 200 && parsed.success) return parsed.data;
  throw new UnintelligibleAnswerError(
    `Cannot join: what answers at the invitation's address is not a Wardround coordinator (status ${answer.status}). ` +
      'Check the address with the coordinator’s administrator, or give another with --url.',
  );
}

/**
 * Enrols this site's keys under the invitation's name, at a coordinator's URL (pinned-coordinator.ts).
 *
 * @throws {UntrustedAnswerError} when the coordinator's keys are not those that the invitation pins.
 * @throws {CoordinatorRefusedError} when the invitation was used before, has expired or is unknown.
 * @throws {CoordinatorUnreachableError} after three attempts.
 */
export async function enrol(
  invitation: Invitation,
  options: { identity: Identity; url: string; signal: AbortSignal; recordEgress: RecordEgress },
): Promise<Enrolled> {
  const { identity, url, signal, recordEgress } = options;
  const base = new URL(url).origin;
  const agent = createConnectionPool(new URL(base));
  const connection = { agent, counter: createByteCounter(), recordEgress };
  try {
    const { signingKey, sealingKey } = await retry(() => fetchIdentity(base, connection, signal), {
      signal,
      attempts: ATTEMPTS,
    });
    if (fingerprint({ signingKey, sealingKey }) !== invitation.fingerprint) {
      throw new UntrustedAnswerError(
        'Cannot join: the coordinator at this address has other keys than the invitation names. Do not go on; ask the coordinator’s administrator.',
      );
    }
    checkPublicKeys({ signingKey, sealingKey });
    const coordinator = { url: base, fingerprint: invitation.fingerprint, signingKey, sealingKey };
    const client = createSignedClient({ coordinator, identity, site: invitation.site, sequence: null, ...connection });
    const keys = publicKeys(identity);
    const request: EnrolmentRequest = {
      site: invitation.site,
      ...keys,
      sealedSecret: sealInvitationSecret(invitation.secret, {
        site: invitation.site,
        signingKey: keys.signingKey,
        coordinatorSealingKey: sealingKey,
      }),
    };
    const body = jsonBody(request, { purpose: 'enrolment', what: 'public-keys' });
    const { status } = await retry(
      () => client.ask({ method: 'POST', path: '/v1/enrolments', signal, body }, EnrolmentAnswer),
      { signal, attempts: ATTEMPTS },
    );
    return { coordinator, status };
  } finally {
    agent.destroy();
  }
}
