/** A message of a session with another body, signed by the same site in the same place: what only a hostile site would say. */
import type { Bodies, Kind, SessionTerms, SignedMessage } from '@wardround/protocols/secure-aggregation/messages.ts';
import { signSessionMessage } from '@wardround/protocols/secure-aggregation/signed-message.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';

export function resign<K extends Kind>(
  { header }: SignedMessage<K>,
  { body, signingSeed }: { readonly body: Bodies[K]; readonly signingSeed: Uint8Array },
): SignedMessage<K> {
  const { run, round, attempt, session, site, previous, sequence } = header;
  return signSessionMessage(header.phase, body, {
    // Of the terms, messages name these.
    terms: { run, round, attempt } as SessionTerms,
    session: session as Sha256Hex | null,
    site,
    previous: previous === null ? null : { hash: previous as Sha256Hex, sequence: sequence - 1 },
    signingSeed,
  });
}
