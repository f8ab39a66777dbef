/** Which sites are there and what they do, over all replicas: for people watching, so what is lost is said again soon. */
import type { ProgressBoard } from '../edge/progress-board.ts';
import type { Clock } from '../rounds/clock.ts';
import type { ReplicaWord } from './replica-channel.ts';

const repeatMillis = 15_000;
/** A replica that has not said so for this long is gone. */
const lostMillis = 40_000;
const sitesAtOnce = 100;

export function createSharedPresence({ tell, clock }: { tell: (word: ReplicaWord) => void; readonly clock: Clock }) {
  /** By site: when a replica last said that it has its socket. */
  const connected = new Map<string, { readonly replica: string; readonly atMillis: number }>();
  const told = new Map<string, number>();
  let board: ProgressBoard | null = null;

  return {
    /** The board, which also has what other replicas hear, and tells them. */
    share(own: ProgressBoard): ProgressBoard {
      board = own;
      return {
        ...own,
        note(site, progress) {
          own.note(site, progress);
          tell({ kind: 'progress', site, progress });
        },
        hear(site) {
          own.hear(site);
          const nowMillis = clock.now();
          if (nowMillis - (told.get(site) ?? Number.NEGATIVE_INFINITY) < repeatMillis) return;
          told.set(site, nowMillis);
          tell({ kind: 'heard', site });
        },
      };
    },
    hear(word: ReplicaWord, replica: string): void {
      const atMillis = clock.now();
      if (word.kind === 'progress') board?.note(word.site, word.progress);
      if (word.kind === 'heard') board?.hear(word.site);
      if (word.kind === 'connected') connected.set(word.site, { replica, atMillis });
      if (word.kind !== 'present') return;
      for (const site of word.sites) connected.set(site, { replica, atMillis });
    },
    isConnected(site: string): boolean {
      const latest = connected.get(site);
      return latest !== undefined && clock.now() - latest.atMillis < lostMillis;
    },
    /** Says again which sites are here. @returns what ends it. */
    repeat(sites: () => string[]): () => void {
      let cancel = (): void => undefined;
      const say = (): void => {
        const here = sites();
        for (let first = 0; first < here.length; first += sitesAtOnce) {
          tell({ kind: 'present', sites: here.slice(first, first + sitesAtOnce) });
        }
        cancel = clock.at(clock.now() + repeatMillis, say);
      };
      say();
      return () => cancel();
    },
  };
}
