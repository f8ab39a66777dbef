/** Counts how many survivors signed one and the same view of who shared and who survived. */
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { SessionFault } from './advertised-keys.ts';
import type { ConsistencyBody, SessionTerms, SignedMessage } from './messages.ts';
import { messageFault, type PinnedRoster } from './signed-message.ts';

/** A fault, naming the sender, when any message is not a survivor's, is there twice, or tells of another view. */
export function countViews(
  messages: readonly SignedMessage<'consistency'>[],
  options: {
    readonly terms: SessionTerms;
    readonly session: Sha256Hex;
    readonly roster: PinnedRoster;
    readonly among: readonly string[];
    readonly view: ConsistencyBody;
  },
): { readonly ok: true; readonly views: number } | SessionFault {
  const { terms, session, roster, among, view } = options;
  const allowed = new Set(among);
  for (const message of messages) {
    const suspect = message.header.site;
    // A site counts once.
    if (!allowed.delete(suspect)) return { ok: false, reason: 'list-wrong', suspect };
    const reason = messageFault(message, { phase: 'consistency', terms, session, roster });
    if (reason !== null) return { ok: false, reason, suspect };
    const { sharers, survivors } = message.body;
    if (sharers !== view.sharers || survivors !== view.survivors) return { ok: false, reason: 'views-differ', suspect };
  }
  return { ok: true, views: messages.length };
}
