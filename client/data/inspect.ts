/** What `wardround-site inspect` reports: what a folder holds, what could be used and what not, without connecting. */
import type { Inventory } from '@wardround/protocols/session/messages.ts';
import { meaningOf, QUARANTINE_REASONS, type QuarantineReason } from './quarantine/reasons.ts';
import { type DataPlan, type ReadSiteOptions, readSite } from './read-site.ts';
import type { SiteFindings } from './site-findings.ts';

export interface QuarantinedGroup {
  readonly reason: QuarantineReason;
  readonly count: number;
  /** One plain sentence. */
  readonly meaning: string;
}

export interface InspectionReport extends SiteFindings {
  readonly inventory: Inventory;
  /** Most frequent first. */
  readonly quarantine: readonly QuarantinedGroup[];
  readonly notes: readonly string[];
}

/** Without a plan: everything is read once, at the smallest sensible size, and nothing is held out for a task. */
export const PLAN_FOR_LOOKING: DataPlan = {
  imaging: { sizePixels: 64, windowHounsfield: { low: -1000, high: 400 }, maximumSlicesPerPatient: 64 },
  clinical: { fields: 'auto', excludeColumns: [] },
  evaluation: {
    heldOutFraction: 0.2,
    tasks: [],
    fewShot: { shots: [], seeds: 1 },
    minimumPatients: 10,
    trainAlone: false,
  },
  seed: 0,
};

export interface InspectOptions extends Omit<ReadSiteOptions, 'plan' | 'countGenes' | 'cacheDirectory'> {
  /** Shows what this study would use; without it, what any study could. */
  readonly plan?: DataPlan | undefined;
}

/**
 * Reads a site's folder as a study would and says what came of it. Damaged images are found by decoding them, so this takes
 * as long as preparing a study. The report holds counts and fixed sentences only.
 *
 * @throws {Error} when the folder cannot be opened or worker threads cannot be started; the signal's reason after an abort.
 */
export async function inspectDirectory({ plan, ...options }: InspectOptions): Promise<InspectionReport> {
  const { cohort, findings } = await readSite({ ...options, plan: plan ?? PLAN_FOR_LOOKING, countGenes: true });
  const quarantine = QUARANTINE_REASONS.map((reason) => ({
    reason,
    count: cohort.quarantine[reason] ?? 0,
    meaning: meaningOf(reason),
  }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
  return { ...findings, inventory: cohort.inventory, quarantine, notes: cohort.notes };
}
