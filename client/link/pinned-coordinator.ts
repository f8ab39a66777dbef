/** The coordinator a site has joined: where it is and whose answers it believes. */
import { Bytes32, Sha256 } from '@wardround/protocols/names.ts';
import { z } from 'zod';

/** Base URL of a coordinator: its scheme, host and port; paths are the protocol's. */
export const CoordinatorUrl = z
  .string()
  .max(300)
  .refine((text) => {
    if (!URL.canParse(text)) return false;
    const { protocol, pathname, search, hash, username } = new URL(text);
    return (
      ['http:', 'https:'].includes(protocol) && pathname === '/' && search === '' && hash === '' && username === ''
    );
  }, 'must be http:// or https:// with a host and nothing after it');

export const PinnedCoordinator = z.strictObject({
  url: CoordinatorUrl,
  fingerprint: Sha256,
  signingKey: Bytes32,
  sealingKey: Bytes32,
});
export type PinnedCoordinator = z.infer<typeof PinnedCoordinator>;
