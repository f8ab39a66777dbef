/** A site's data as training sees it: numbers without names. Nothing in here says who a patient is or where a file lay. */
import type { Inventory, QuarantineCounts } from '@wardround/protocols/session/messages.ts';
import type { SliceImages } from './slice-images.ts';

export interface Patient {
  /** The patient's slices in `Cohort.images`, in anatomical order; null without usable CT. */
  readonly slices: { readonly first: number; readonly count: number } | null;
  /** [clinicalInputWidth], standardised with the training patients' statistics; null without a usable value. */
  readonly clinical: Float32Array | null;
  /** [expressionInputWidth] in the plan's gene order, standardised likewise; null without a profile. */
  readonly expression: Float32Array | null;
  /** Per evaluation task; null when the patient takes no part in it. */
  readonly labels: Readonly<Record<string, 0 | 1 | null>>;
  /** Never trains; only evaluates. */
  readonly heldOut: boolean;
}

export interface Cohort {
  /** In an order that follows from the plan's seed and a keyed hash of each patient's id. */
  readonly patients: readonly Patient[];
  readonly images: SliceImages;
  /** 0 when no clinical column can be used here. */
  readonly clinicalInputWidth: number;
  /** The number of the plan's genes; null when the plan or the site has no expression data. */
  readonly expressionInputWidth: number | null;
  readonly inventory: Inventory;
  readonly quarantine: QuarantineCounts;
  /** Plain sentences about what was done with the data. Counts and the plan's own words only. */
  readonly notes: readonly string[];
}
