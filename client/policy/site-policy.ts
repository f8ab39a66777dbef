/**
 * The site's policy: floors that no study can lower, in `policy.json` in the site's folder, written by its administrator.
 * A floor that is not there sets no bound; a file that cannot be understood allows nothing.
 */
import { z } from 'zod';
import { DamagedStateError, readStateFile, type StateFile } from '../state/state-file.ts';
import { TrainingHours } from './training-hours.ts';

/** What a study may read: images, the clinical table, gene expression, and label columns for evaluation. */
export const DATA_SETS = ['ct', 'clinical', 'expression', 'labels'] as const;
export type DataSet = (typeof DATA_SETS)[number];

const PROTECTION_MODES = ['secure-aggregation', 'secagg-cohort', 'plain-robust', 'sealed'] as const;

export const SitePolicy = z.strictObject({
  format: z.literal('wardround-site-policy/1'),
  /** A round may not be added up from fewer sites. */
  minimumSites: z.int().min(1).max(1000).optional(),
  /** So many sites at least must act together before anything of a single site's update can be opened. */
  minimumThreshold: z.int().min(1).max(1000).optional(),
  protectionModes: z.array(z.enum(PROTECTION_MODES)).min(1).max(PROTECTION_MODES.length).optional(),
  maximumClip: z.number().positive().max(1e6).optional(),
  /** Of the differential privacy that the study's training spends at this site. A study without it spends without bound. */
  maximumEpsilon: z.number().positive().max(1e6).optional(),
  /** What this site's patients may spend over all studies together; without it the ledger counts and refuses nothing. */
  privacyBudget: z
    .strictObject({ epsilon: z.number().positive().max(1e6), delta: z.number().min(1e-12).max(1e-3) })
    .optional(),
  dataSets: z.array(z.enum(DATA_SETS)).min(1).max(DATA_SETS.length).optional(),
  trainingHours: TrainingHours.optional(),
  /** Over all stages of a study. */
  maximumRounds: z.int().min(1).max(1_000_000).optional(),
  /** Updates are sent no faster. */
  bandwidthBytesPerSecond: z.int().min(1000).max(1e12).optional(),
  /** Whether this site, as a member, approves the coordinator's changes of the roster by itself. `ask` unless given. */
  approveMembers: z.enum(['ask', 'automatic']).optional(),
});
export type SitePolicy = z.infer<typeof SitePolicy>;

/** A policy that sets no floor. */
export const NO_POLICY: SitePolicy = { format: 'wardround-site-policy/1' };

export const POLICY_FILE = 'policy.json';

const POLICY: StateFile<SitePolicy> = {
  name: POLICY_FILE,
  schema: SitePolicy,
  remedy:
    'Until it is put right this site takes part in nothing. Check it with "wardround-site policy check FILE"; only removing it lifts its floors.',
};

/** The policy cannot be read, so nothing is allowed. */
export class DamagedPolicyError extends Error {
  override readonly name = 'DamagedPolicyError';
}

/** @throws {DamagedPolicyError} when there is a policy that cannot be understood; the message says where. */
export async function readPolicy(folder: string): Promise<SitePolicy> {
  try {
    return (await readStateFile(folder, POLICY)) ?? NO_POLICY;
  } catch (error) {
    if (error instanceof DamagedStateError) throw new DamagedPolicyError(error.message);
    throw error;
  }
}
