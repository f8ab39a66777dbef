/** What the command line says to its own running coordinator. Both are the same release, so answers need no schema of their own. */
import type { Roster } from '@wardround/protocols/enrolment/roster.ts';
import { Slug } from '@wardround/protocols/names.ts';
import type { StudyState } from '@wardround/protocols/round/state.ts';
import { z } from 'zod';
import type { StudyStatus } from '../rounds/study-status.ts';

/**
 *   POST /v1/admin/invitations                 InvitationRequest -> InvitationAnswer
 *   GET  /v1/admin/sites                       -> SitesAnswer
 *   POST /v1/admin/sites/SITE/admission        -> AdmissionAnswer
 *   POST /v1/admin/sites/SITE/revocation       -> RevocationAnswer
 *   GET  /v1/admin/roster                      -> RosterShown
 *   POST /v1/admin/studies                     StudyPlan -> LaunchAnswer
 *   GET  /v1/admin/studies                     -> StudiesAnswer
 *   GET  /v1/admin/studies/STUDY               -> StudyAnswer
 *   POST /v1/admin/studies/STUDY/abort         -> StudyStatus
 *   POST /v1/admin/studies/STUDY/pause         -> StudyStatus
 *   POST /v1/admin/studies/STUDY/resume        -> StudyStatus
 */
export const InvitationRequest = z.strictObject({ site: Slug });

export interface InvitationAnswer {
  readonly token: string;
  readonly expiresAtMillis: number;
}

export interface SitesAnswer {
  readonly sites: readonly {
    readonly site: string;
    readonly status: 'pending' | 'admitted' | 'revoked';
    /** Of the site's keys: compare it with what the site shows before you admit it. */
    readonly fingerprint: string;
    readonly enrolledAtMillis: number;
    readonly connected: boolean;
  }[];
  /** Invitations that nobody has used yet. */
  readonly invitations: readonly { readonly site: string; readonly expiresAtMillis: number }[];
}

export interface AdmissionAnswer {
  readonly site: string;
  readonly fingerprint: string;
  /** Null when the site is a member now. */
  readonly waiting: { readonly of: readonly string[]; readonly count: number } | null;
}

export interface RevocationAnswer {
  readonly site: string;
}

export interface RosterShown {
  readonly newest: Roster | null;
  readonly proposal: Roster | null;
  /** Whose approval the proposal needs, how many of them, and who has given it. */
  readonly waiting: {
    readonly of: readonly string[];
    readonly count: number;
    readonly given: readonly string[];
  } | null;
}

export interface LaunchAnswer {
  readonly study: string;
  readonly name: string;
  readonly sites: readonly string[];
}

export interface StudiesAnswer {
  readonly studies: readonly StudyStatus[];
}

export interface StudyAnswer {
  readonly status: StudyStatus;
  /** The folded state, whole. */
  readonly state: StudyState;
}
