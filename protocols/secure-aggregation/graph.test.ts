import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { describe, expect, test } from 'vitest';
import { neighbours } from './graph.ts';
import { sessionParameters } from './parameters.ts';

const names = (count: number) => Array.from({ length: count }, (_, index) => `site-${index}`);
const session = sha256Hex('a session');

describe('neighbours()', () => {
  test('are all the others up to 64 sites', () => {
    const graph = neighbours(names(5), session);
    expect(graph.get('site-2')).toEqual(['site-0', 'site-1', 'site-3', 'site-4']);
    expect([...neighbours(names(64), session).values()].every((near) => near.length === 63)).toBe(true);
  });

  test.each([70, 100, 333])('are mutual, different and as many as the degree for %i sites', (count) => {
    const graph = neighbours(names(count), session);
    const { degree } = sessionParameters(count);
    expect(graph.size).toBe(count);
    for (const [site, near] of graph) {
      expect(new Set(near).size).toBe(degree);
      expect(near).not.toContain(site);
      for (const other of near) expect(graph.get(other)).toContain(site);
    }
  });

  test('follow from the session, not from the order of the names', () => {
    const graph = neighbours(names(100), session);
    expect(neighbours(names(100).reverse(), session)).toEqual(new Map([...graph]));
    expect(neighbours(names(100), sha256Hex('another session')).get('site-0')).not.toEqual(graph.get('site-0'));
  });

  test('are known', () => {
    const known = [...neighbours(names(100), session)].sort(([a], [b]) => (a < b ? -1 : 1));
    expect(sha256Hex(JSON.stringify(known))).toBe('129513fc0b4f4e0202c39d3522cbecf3b7d3ad1ad0577f424060c98da847659a');
  });
});
