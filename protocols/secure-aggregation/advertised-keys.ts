/** Checks a set of advertisements as each party does for itself, and names the session that follows from it. */
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { AbortReason } from './abort-reasons.ts';
import { neighbours } from './graph.ts';
import type { SessionTerms, SignedMessage } from './messages.ts';
import { FEWEST_SITES, type SessionParameters, sessionParameters } from './parameters.ts';
import { sessionIdentifier } from './session-keys.ts';
import { linkTo, type MessageLink, messageFault, type PinnedRoster } from './signed-message.ts';

export interface AdvertisedKeys {
  readonly maskKey: string;
  readonly shareKey: string;
  readonly link: MessageLink;
}

export interface AdvertisedSession {
  readonly ok: true;
  readonly session: Sha256Hex;
  readonly parameters: SessionParameters;
  /** Who advertised, in the order of their names. */
  readonly sites: readonly string[];
  readonly keys: ReadonlyMap<string, AdvertisedKeys>;
  readonly graph: ReadonlyMap<string, readonly string[]>;
}

export interface SessionFault {
  readonly ok: false;
  readonly reason: AbortReason;
  readonly suspect: string | null;
}

/** Checks signatures against the pinned roster, terms against one's own, and that no site and no key is there twice. */
export function readAdvertisements(
  advertisements: readonly SignedMessage<'advertise'>[],
  options: { readonly terms: SessionTerms; readonly roster: PinnedRoster },
): AdvertisedSession | SessionFault {
  const keys = new Map<string, AdvertisedKeys>();
  const seen = new Set<string>();
  for (const message of advertisements) {
    const suspect = message.header.site;
    if (keys.has(suspect)) return { ok: false, reason: 'site-repeated', suspect };
    const reason = advertisementFault(message, options);
    if (reason !== null) return { ok: false, reason, suspect };
    const { maskKey, shareKey } = message.body;
    if (seen.has(maskKey) || seen.has(shareKey) || maskKey === shareKey) {
      return { ok: false, reason: 'key-repeated', suspect };
    }
    seen.add(maskKey).add(shareKey);
    keys.set(suspect, { maskKey, shareKey, link: linkTo(message) });
  }
  if (keys.size < FEWEST_SITES) return { ok: false, reason: 'too-few-sites', suspect: null };
  const session = sessionIdentifier(advertisements);
  const sites = [...keys.keys()].sort();
  return {
    ok: true,
    session,
    parameters: sessionParameters(sites.length),
    sites,
    keys,
    graph: neighbours(sites, session),
  };
}

/** Why one advertisement does not belong into the session, or null. */
export function advertisementFault(
  message: SignedMessage<'advertise'>,
  options: { readonly terms: SessionTerms; readonly roster: PinnedRoster },
): AbortReason | null {
  const { terms, roster } = options;
  const fault = messageFault(message, { phase: 'advertise', terms, session: null, roster, previous: null });
  if (fault !== null) return fault;
  const theirs = message.body.terms;
  if (theirs.model !== terms.model) return 'model-differs';
  if (theirs.plan !== terms.plan) return 'plan-differs';
  if (theirs.roster !== terms.roster || theirs.rosterEpoch !== terms.rosterEpoch) return 'roster-differs';
  if (canonicalJson(theirs) !== canonicalJson(terms)) return 'terms-differ';
  const { cohort } = terms;
  return cohort === undefined || cohort.members.includes(message.header.site) ? null : 'site-not-in-cohort';
}

/** Who holds shares of a site's secrets, in the order of their x coordinates: its neighbours and, where all share with all, itself. */
export function shareHolders(site: string, session: Pick<AdvertisedSession, 'graph' | 'sites'>): readonly string[] {
  const near = session.graph.get(site)!;
  return near.length === session.sites.length - 1 ? session.sites : near;
}
