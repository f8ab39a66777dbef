/** Writes down what the coordinator refuses a site in its sessions. */
import { CoordinatorRefusedError } from '@wardround/client/link/errors.ts';
import type { RoundReference, SiteLink } from '@wardround/client/link/site-link.ts';

export interface Refusal {
  readonly round: number;
  readonly status: number;
  readonly code: string;
}

export interface RefusalNotes {
  readonly refusals: readonly Refusal[];
  /** Whether something of that round was refused. */
  inRound(round: number): boolean;
  readonly link: (link: SiteLink) => SiteLink;
}

export function noteRefusals(): RefusalNotes {
  const refusals: Refusal[] = [];
  const noting = async ({ round }: RoundReference, sending: Promise<void>): Promise<void> => {
    try {
      await sending;
    } catch (error) {
      if (error instanceof CoordinatorRefusedError) refusals.push({ round, status: error.status, code: error.code });
      throw error;
    }
  };
  return {
    refusals,
    inRound: (round) => refusals.some((refusal) => refusal.round === round),
    link: (link) => ({
      ...link,
      upload: (blob, signal) => noting(blob.round, link.upload(blob, signal)),
      sendSessionMessage: (reference, offer, signal) =>
        noting(reference, link.sendSessionMessage(reference, offer, signal)),
    }),
  };
}
