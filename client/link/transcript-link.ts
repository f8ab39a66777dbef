/** A member's own look at a kept transcript, beside a running client: it asks and sends nothing. */
import { TranscriptPage } from '@wardround/protocols/audit/transcript-messages.ts';
import { ModelChain } from '@wardround/protocols/session/messages.ts';
import type { Identity } from '@wardround/shared/crypto/identity.ts';
import type { SequenceNumbers } from '../state/sequence-numbers.ts';
import { retry } from './backoff.ts';
import { createByteCounter } from './byte-counter.ts';
import { UntrustedAnswerError } from './errors.ts';
import { createConnectionPool, readBody } from './http-exchange.ts';
import type { PinnedCoordinator } from './pinned-coordinator.ts';
import { createSignedClient } from './signed-client.ts';
import type { RoundReference } from './site-link.ts';

const ATTEMPTS = 6;

export interface TranscriptLink {
  modelChain(stage: Pick<RoundReference, 'study' | 'stage'>): Promise<ModelChain>;
  /** The transcript's messages from this index on. */
  transcript(round: RoundReference, from: number): Promise<TranscriptPage>;
  /** A part of a survivor's masked vector; fewer bytes where it ends. Nobody vouches for them: the caller checks the whole. */
  vector(
    round: RoundReference,
    piece: { readonly site: string; readonly position: number; readonly bytes: number },
  ): Promise<Uint8Array>;
  close(): void;
}

export function openTranscriptLink(options: {
  readonly coordinator: PinnedCoordinator;
  readonly identity: Identity;
  readonly site: string;
  readonly sequence: SequenceNumbers;
  readonly signal: AbortSignal;
}): TranscriptLink {
  const { coordinator, signal } = options;
  const agent = createConnectionPool(new URL(coordinator.url));
  const client = createSignedClient({
    ...options,
    agent,
    counter: createByteCounter(),
    recordEgress: async () => {
      throw new RangeError('Cannot send: looking at a transcript sends nothing');
    },
  });
  const trying = { signal, attempts: ATTEMPTS };
  const stagePath = ({ study, stage }: Pick<RoundReference, 'study' | 'stage'>) =>
    `/v1/studies/${study}/stages/${stage}`;
  const transcriptPath = (round: RoundReference) => `${stagePath(round)}/rounds/${round.round}/transcript`;

  return {
    modelChain: (stage) =>
      retry(() => client.ask({ method: 'GET', path: `${stagePath(stage)}/chain`, signal }, ModelChain), trying),
    transcript: (round, from) =>
      retry(
        () => client.ask({ method: 'GET', path: `${transcriptPath(round)}?from=${from}`, signal }, TranscriptPage),
        trying,
      ),
    vector: (round, { site, position, bytes }) =>
      retry(async () => {
        const path = `${transcriptPath(round)}/vectors/${site}?from=${position}&bytes=${bytes}`;
        const answer = await client.open({ method: 'GET', path, signal }, [200]);
        const body = await readBody(answer, { maximumBytes: bytes, signal });
        if (body.length <= bytes) return body;
        throw new UntrustedAnswerError('Cannot use a part of a vector: it is longer than what was asked for.');
      }, trying),
    close: () => agent.destroy(),
  };
}
