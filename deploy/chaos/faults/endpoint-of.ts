/** What is asked for, without what differs from round to round. */
import type { PassingRequest } from '../link/chaos-proxy.ts';

/** The method and the route, with a colon in the place of hashes and numbers. */
export function endpointOf({ method, path }: Pick<PassingRequest, 'method' | 'path'>): string {
  const route = path
    .replace(/\?.*/, '')
    .split('/')
    .map((part) => (/^([0-9a-f]{64}|\d+|[0-9a-f-]{36})$/.test(part) ? ':' : part));
  return `${method} ${route.join('/')}`;
}
