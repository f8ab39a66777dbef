/** Many connected sites in one process: each with its own keys, connections, signed requests and socket, and nothing else. */
import { readFileSync } from 'node:fs';
import { retry } from '@wardround/client/link/backoff.ts';
import { createByteCounter } from '@wardround/client/link/byte-counter.ts';
import { createHintSocket } from '@wardround/client/link/hint-socket.ts';
import { createConnectionPool } from '@wardround/client/link/http-exchange.ts';
import type { PinnedCoordinator } from '@wardround/client/link/pinned-coordinator.ts';
import { createSignedClient } from '@wardround/client/link/signed-client.ts';
import { Work } from '@wardround/protocols/session/messages.ts';
import { decodeIdentity } from '@wardround/shared/crypto/identity.ts';
import { answerLines, say } from './answer-lines.ts';

export interface ManySitesSettings {
  readonly coordinator: PinnedCoordinator;
  readonly sites: readonly { readonly site: string; readonly identity: string }[];
}

export interface HintedSites {
  /** For each site, when its hint came: milliseconds since the epoch. */
  readonly hinted: readonly number[];
  /** When it had the answer to its question for work. */
  readonly answered: readonly number[];
}

const { coordinator, sites } = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as ManySitesSettings;
const now = (): number => performance.timeOrigin + performance.now();
const noSignal = new AbortController().signal;

function connect({ site, identity: encoded }: ManySitesSettings['sites'][number]) {
  const identity = decodeIdentity(encoded);
  const agent = createConnectionPool(new URL(coordinator.url));
  const counter = createByteCounter();
  let sequence = 0;
  const client = createSignedClient({
    ...{ coordinator, identity, site, agent, counter },
    recordEgress: async () => undefined,
    // Nobody starts it twice.
    sequence: { next: () => sequence++, goOnFrom: () => false },
  });
  const connected = Promise.withResolvers<void>();
  const hinted = Promise.withResolvers<{ hintedMillis: number; answeredMillis: number }>();
  let isConnected = false;
  const socket = createHintSocket({
    url: coordinator.url,
    ...{ agent, counter },
    sign: client.sign,
    async onHint() {
      // The first call says that it is connected; the next one is a hint.
      if (!isConnected) {
        isConnected = socket.connected();
        if (isConnected) connected.resolve();
        return;
      }
      const hintedMillis = now();
      await retry(() => client.ask({ method: 'GET', path: '/v1/work', signal: noSignal }, Work), {
        signal: noSignal,
        onTrouble: ({ message }) => console.error(message),
      });
      hinted.resolve({ hintedMillis, answeredMillis: now() });
    },
  });
  return { connected: connected.promise, hinted: hinted.promise };
}

const open: ReturnType<typeof connect>[] = [];
say('ready');
answerLines(async (line) => {
  if (line === 'connect') {
    open.push(...sites.map(connect));
    await Promise.all(open.map(({ connected }) => connected));
    return true;
  }
  const all = await Promise.all(open.map(({ hinted }) => hinted));
  const answer: HintedSites = {
    hinted: all.map(({ hintedMillis }) => hintedMillis),
    answered: all.map(({ answeredMillis }) => answeredMillis),
  };
  return answer;
});
