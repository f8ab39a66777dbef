/** Whoever asks for a blob that is being fetched already waits for that: it is fetched once. */
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';

interface Fetching {
  readonly maximumBytes: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (bytes: number) => void;
}

interface Shared {
  readonly maximumBytes: number;
  readonly result: Promise<string>;
  readonly stop: AbortController;
  waiting: number;
}

export interface SharedDownloads {
  join(hash: Sha256Hex, fetching: Fetching): Promise<string>;
}

/** @param run fetches one blob; its signal aborts when nobody waits for it any more. */
export function shareDownloads(run: (hash: Sha256Hex, fetching: Fetching) => Promise<string>): SharedDownloads {
  const underWay = new Map<Sha256Hex, Shared>();

  const start = (hash: Sha256Hex, fetching: Fetching): Shared => {
    const stop = new AbortController();
    const result = run(hash, { ...fetching, signal: stop.signal });
    const shared = { maximumBytes: fetching.maximumBytes, result, stop, waiting: 0 };
    underWay.set(hash, shared);
    const end = () => {
      if (underWay.get(hash) === shared) underWay.delete(hash);
    };
    result.then(end, end);
    return shared;
  };

  return {
    async join(hash, fetching) {
      const { signal, maximumBytes } = fetching;
      signal.throwIfAborted();
      // One that may be larger, or that is being given up, has to be over first: both would write to one file.
      for (let other = underWay.get(hash); other !== undefined; other = underWay.get(hash)) {
        if (other.maximumBytes === maximumBytes && !other.stop.signal.aborted) break;
        await other.result.catch(() => undefined);
        signal.throwIfAborted();
      }
      const shared = underWay.get(hash) ?? start(hash, fetching);
      shared.waiting += 1;
      const left = Promise.withResolvers<never>();
      const leave = () => left.reject(signal.reason);
      signal.addEventListener('abort', leave, { once: true });
      try {
        return await Promise.race([shared.result, left.promise]);
      } finally {
        signal.removeEventListener('abort', leave);
        shared.waiting -= 1;
        if (shared.waiting === 0) shared.stop.abort(signal.reason ?? new Error('Nobody waits for the blob'));
      }
    },
  };
}
