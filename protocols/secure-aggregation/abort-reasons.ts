/** Why a party leaves a session, for the signed abort. */
import type { MessageFault } from './signed-message.ts';

export type AbortReason =
  | MessageFault
  /** The site has revealed shares for this round before; the round can only end with those. */
  | 'already-revealed'
  /** The session's attempt is not above one that the site has seen. */
  | 'attempt-not-new'
  /** The roster is not the one that was approved here. */
  | 'roster-not-pinned'
  | 'site-repeated'
  | 'own-message-altered'
  | 'model-differs'
  | 'plan-differs'
  | 'roster-differs'
  | 'terms-differ'
  /** Somebody of another cohort. */
  | 'site-not-in-cohort'
  | 'key-repeated'
  | 'key-unusable'
  | 'too-few-sites'
  /** This site's policy wants more sites. */
  | 'floor-minimum-sites'
  /** This site's policy wants a higher threshold. */
  | 'floor-threshold'
  /** The announced parameters are not those that follow from the number of sites. */
  | 'parameters-differ'
  /** Somebody is listed whom the phase before did not list, or this site is not listed. */
  | 'list-wrong'
  | 'too-few-survivors'
  | 'too-few-neighbours'
  /** A neighbour's share does not open or does not match its commitment. */
  | 'share-broken'
  /** Another list of survivors was announced before. */
  | 'survivors-changed'
  /** The coordinator signed another document for the same step before. */
  | 'document-changed'
  /** Another site was told of other sharers or survivors. */
  | 'views-differ'
  | 'too-few-views'
  /** The vector had been masked and hashed before. */
  | 'masked-input-changed'
  /** The caller's own decision, such as a revocation or a stop. */
  | 'stopped';
