/** What was written, counted as a site client is expected to count it. */
import type { QuarantineReason } from '@wardround/client/data/quarantine/reasons.ts';
import type { Inventory } from '@wardround/protocols/session/messages.ts';

export interface HospitalSummary {
  seed: number | string;
  sites: SiteSummary[];
  bytes: number;
}

export interface SiteSummary {
  name: string;
  /** Usable data. How many patients are held out is the study's decision, not the hospital's. */
  inventory: Omit<Inventory, 'heldOut'>;
  quarantine: Partial<Record<QuarantineReason, number>>;
  files: number;
  bytes: number;
}
