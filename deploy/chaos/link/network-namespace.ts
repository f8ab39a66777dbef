/**
 * A network of its own for a program, with one line to this machine that a test takes down and up again: what a partition
 * is. Needs root and `ip netns`; ask `canMakeNetworks()` first, and cut with the chaos proxy where it says no.
 */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';

export interface NetworkNamespace {
  /** This machine, as programs in the network reach it. */
  readonly hostAddress: string;
  /** The words that start a program in it. */
  through(words: readonly string[]): string[];
  cut(): void;
  heal(): void;
  close(): void;
}

export function canMakeNetworks(): boolean {
  try {
    openNetwork().close();
    return true;
  } catch {
    return false;
  }
}

/** @throws {Error} where none may be made. */
export function openNetwork(): NetworkNamespace {
  const id = randomInt(1, 60_000);
  const name = `chaos${id}`;
  const [ours, theirs] = [`ch${id}a`, `ch${id}b`];
  // From the addresses that are for tests of networks (RFC 2544), four to a line.
  const base = 4 * id;
  const address = (host: number) => `198.${18 + ((base >> 16) & 1)}.${(base >> 8) & 255}.${(base & 255) + host}`;
  const ip = (...words: readonly string[]) => void execFileSync('ip', words, { stdio: 'pipe' });
  const close = (): void => {
    for (const words of [
      ['link', 'del', ours],
      ['netns', 'del', name],
    ]) {
      try {
        ip(...words);
      } catch {
        // What was not made, or is gone with the other.
      }
    }
  };
  try {
    ip('netns', 'add', name);
    ip('link', 'add', ours, 'type', 'veth', 'peer', 'name', theirs, 'netns', name);
    ip('addr', 'add', `${address(1)}/30`, 'dev', ours);
    ip('link', 'set', ours, 'up');
    ip('-n', name, 'addr', 'add', `${address(2)}/30`, 'dev', theirs);
    ip('-n', name, 'link', 'set', theirs, 'up');
    ip('-n', name, 'link', 'set', 'lo', 'up');
  } catch (error) {
    close();
    throw error;
  }
  return {
    hostAddress: address(1),
    through: (words) => ['ip', 'netns', 'exec', name, ...words],
    cut: () => ip('link', 'set', ours, 'down'),
    heal: () => ip('link', 'set', ours, 'up'),
    close,
  };
}
