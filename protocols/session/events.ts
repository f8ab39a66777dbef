/** The socket's two vocabularies. Hints only: delivery is at most once, and a site without a socket polls `GET /v1/work`. */
import type { Progress } from './messages.ts';

export interface CoordinatorToSite {
  /** There is something new for you: ask for work. */
  work: () => void;
}

export interface SiteToCoordinator {
  /** The acknowledgement carries false when the message was not understood. */
  progress: (progress: Progress, acknowledge: (understood: boolean) => void) => void;
}
