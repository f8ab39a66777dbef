/**
 * One figure for the federation out of one figure per site.
 *
 * Each site measures on its own held-out patients and sends a mean and its standard error. Sites are independent samples,
 * so with weights w = patients at the site / patients at all sites the federation's figure is sum(w * mean) and its
 * standard error sqrt(sum(w^2 * standardError^2)): a stratified estimate, which compares no patient of one hospital with a
 * patient of another.
 */
import type { GainCovariance } from '@wardround/protocols/session/messages.ts';
import type { MeanAndError } from './report-schema.ts';

export const combinationFormula =
  'mean = Σ w·mean, standard error = √(Σ w²·standardError²), summed over sites, with ' +
  'w = patients scored at the site / patients scored at all sites';

/**
 * @returns null when there is nothing to combine.
 */
export function combineSites(
  figures: readonly { readonly value: MeanAndError; readonly patients: number }[],
): MeanAndError | null {
  const mean = weightedMean(figures.map(({ value, patients }) => ({ value: value.mean, patients })));
  if (mean === null) return null;
  const patients = figures.reduce((sum, figure) => sum + figure.patients, 0);
  const squares = figures.reduce((sum, figure) => sum + (figure.patients * figure.value.standardError) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares) / patients };
}

/** The patient-weighted mean; null when no site has patients. Divides once, so that a mean of ones is exactly one. */
export function weightedMean(figures: readonly { readonly value: number; readonly patients: number }[]): number | null {
  const patients = figures.reduce((sum, figure) => sum + figure.patients, 0);
  if (patients === 0) return null;
  return figures.reduce((sum, figure) => sum + figure.patients * figure.value, 0) / patients;
}

export const errorMeaning =
  'linear probe: over held-out patients (DeLong), for gains paired on the same patients; few-shot: over the random draws of ' +
  'labelled patients only, not over held-out patients';

export const overallFormula =
  'mean = mean of the tasks’ means, standard error = mean of the tasks’ standard errors, which is the largest it can be ' +
  'for tasks that share their patients, however they are correlated';

/**
 * The mean over tasks that were measured on the same patients. Their errors are correlated in an unknown way, so they are
 * not added as if independent: the standard deviation of a mean is at most the mean of the standard deviations.
 */
export function meanOverTasks(figures: readonly MeanAndError[]): MeanAndError | null {
  if (figures.length === 0) return null;
  return {
    mean: figures.reduce((sum, { mean }) => sum + mean, 0) / figures.length,
    standardError: figures.reduce((sum, { standardError }) => sum + standardError, 0) / figures.length,
  };
}

/** One site's gains of several tasks, and how they vary together. */
export interface SiteGains {
  readonly gains: readonly { readonly task: string; readonly mean: number; readonly patients: number }[];
  readonly covariance: GainCovariance | undefined;
}

export const overallGainFormula =
  'for the gain by linear probe, standard error = √(Σ w·w′·covariance) / tasks, summed over sites and pairs of tasks, with ' +
  'each site’s covariance of its tasks’ gains over the patients that they share (DeLong)';

/**
 * The mean gain over tasks and its error from the sites' covariances: exact where tasks share patients, unlike
 * `meanOverTasks`, which has to assume the worst.
 *
 * @returns null when there is no gain, or a site did not say how its gains vary together.
 */
export function meanGainOverTasks(sites: readonly SiteGains[]): MeanAndError | null {
  const patients = new Map<string, number>();
  for (const { gains } of sites) {
    for (const { task, patients: count } of gains) patients.set(task, (patients.get(task) ?? 0) + count);
  }
  if (patients.size === 0) return null;
  let mean = 0;
  let variance = 0;
  for (const { gains, covariance } of sites) {
    for (const one of gains) {
      const weight = one.patients / patients.get(one.task)!;
      mean += weight * one.mean;
      for (const other of gains) {
        const row = covariance?.tasks.indexOf(one.task) ?? -1;
        const column = covariance?.tasks.indexOf(other.task) ?? -1;
        const value = covariance?.values[row]?.[column];
        if (value === undefined) return null;
        variance += weight * (other.patients / patients.get(other.task)!) * value;
      }
    }
  }
  return { mean: mean / patients.size, standardError: Math.sqrt(Math.max(0, variance)) / patients.size };
}

/** Whether a gain stands out from its own uncertainty: larger than two of its standard errors. */
export function exceedsTwoErrors(gain: MeanAndError): boolean {
  return gain.mean > 2 * gain.standardError;
}
