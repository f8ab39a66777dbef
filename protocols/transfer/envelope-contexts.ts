/**
 * What each sealed envelope is bound to, as one canonical text that sealing and opening authenticate. An envelope that is
 * taken out of its study, round or site and offered elsewhere does not open.
 */
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';

/** For the update that a site offers in a round. */
export function updateContext(update: {
  /** The plan's hash. */
  readonly study: Sha256Hex;
  /** The stage's name. */
  readonly stage: string;
  readonly round: number;
  readonly site: string;
  /** The weights that it was trained from. */
  readonly model: Sha256Hex;
}): string {
  const { study, stage, round, site, model } = update;
  return canonicalJson({ envelope: 'wardround/update/1', study, stage, round, site, model });
}

/** For a site's evaluation report: the canonical JSON of an EvaluationReport, in UTF-8. */
export function evaluationContext(evaluation: { readonly study: Sha256Hex; readonly site: string }): string {
  const { study, site } = evaluation;
  return canonicalJson({ envelope: 'wardround/evaluation/1', study, site });
}

/** For the invitation's secret in an EnrolmentRequest: its bytes, bound to the keys that ask to be enrolled. */
export function enrolmentContext(enrolment: { readonly site: string; readonly signingKey: string }): string {
  const { site, signingKey } = enrolment;
  return canonicalJson({ envelope: 'wardround/enrolment/1', site, signingKey });
}
