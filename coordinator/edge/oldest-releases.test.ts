/** What is installed is no older than the edge needs. */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { oldestReleases } from './limits.ts';

const lock = JSON.parse(await readFile(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
  readonly packages: Readonly<Record<string, { readonly version?: string }>>;
};

function installed(name: string): string[] {
  return Object.entries(lock.packages)
    .filter(([path]) => path === `node_modules/${name}` || path.endsWith(`/node_modules/${name}`))
    .map(([, { version }]) => version ?? 'unknown');
}

/** Of plain releases; a pre-release or anything else counts as too old. */
function isOlder(version: string, oldest: string): boolean {
  if (!/^\d+\.\d+\.\d+$/.test(version)) return true;
  const [found, needed] = [version, oldest].map((text) => text.split('.').map(Number));
  const at = found!.findIndex((part, i) => part !== needed![i]);
  return at >= 0 && found![at]! < needed![at]!;
}

describe('package-lock.json', () => {
  test.each(Object.entries(oldestReleases))('has no %s older than %s', (name, oldest) => {
    expect(installed(name).filter((version) => isOlder(version, oldest))).toEqual([]);
  });

  test('has what the edge is made of', () => {
    for (const name of ['express', 'body-parser', 'socket.io', 'socket.io-parser', 'engine.io', 'ws']) {
      expect(installed(name)).not.toEqual([]);
    }
  });

  test('would be found too old', () => {
    for (const [version, oldest] of [
      ['4.2.6', '4.2.7'],
      ['8.20.9', '8.21.0'],
      ['4.21.2', '5.0.0'],
      ['5.0.0-beta.1', '5.0.0'],
    ] as const) {
      expect(isOlder(version, oldest)).toBe(true);
    }
    expect(isOlder('8.21.0', '8.21.0')).toBe(false);
    expect(isOlder('9.0.0', '8.21.5')).toBe(false);
  });
});
