/**
 * Who shares with whom: everybody with everybody in small sessions, else a Harary graph, in which the sites stand in a ring
 * and each has the nearest half of its neighbours on either side. The ring's order is a hash of the session's identifier,
 * which nobody chooses alone: it follows from every site's fresh keys.
 */
import { type Sha256Hex, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { sessionParameters } from './parameters.ts';

/**
 * The neighbours of each site, in the order of their names, without the site itself.
 *
 * @param sites different names.
 * @param session the session's identifier.
 */
export function neighbours(sites: readonly string[], session: Sha256Hex): Map<string, string[]> {
  const { degree } = sessionParameters(sites.length);
  if (degree === sites.length - 1) {
    const sorted = sites.toSorted();
    return new Map(sorted.map((site) => [site, sorted.filter((other) => other !== site)]));
  }
  const ring = sites
    .map((site) => ({ site, place: sha256Hex(`wardround/ring/1\n${session}\n${site}`) }))
    .sort((a, b) => (a.place < b.place ? -1 : 1))
    .map(({ site }) => site);
  return new Map(
    ring.map((site, place) => {
      const near: string[] = [];
      for (let distance = 1; distance <= degree / 2; distance += 1) {
        near.push(ring[(place + distance) % ring.length]!, ring[(place - distance + ring.length) % ring.length]!);
      }
      return [site, near.sort()];
    }),
  );
}
