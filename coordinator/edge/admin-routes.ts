/** What the administrator's command line asks; its requests are signed by the coordinator's own key. */
import { Sha256, Slug } from '@wardround/protocols/names.ts';
import { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { fingerprint } from '@wardround/shared/crypto/identity.ts';
import { type Router as ExpressRouter, Router } from 'express';
import { z } from 'zod';
import { RefusalError } from '../refusal-error.ts';
import type { Registry } from '../registry/registry.ts';
import type { RosterKeeper } from '../registry/roster-keeper.ts';
import { requireAccepted } from '../rounds/require-accepted.ts';
import type { Studies } from '../rounds/studies.ts';
import type { StudyRunner } from '../rounds/study-runner.ts';
import { type StudyStatus, studyStatus } from '../rounds/study-status.ts';
import {
  type AdmissionAnswer,
  type InvitationAnswer,
  InvitationRequest,
  type LaunchAnswer,
  type RevocationAnswer,
  type RosterShown,
  type SitesAnswer,
  type StudiesAnswer,
  type StudyAnswer,
} from './admin-messages.ts';
import { limits } from './limits.ts';
import { type Gate, messageRoute } from './message-route.ts';
import type { ProgressBoard } from './progress-board.ts';

const NamesSite = z.object({ site: Slug });
const NamesStudy = z.object({ study: Sha256 });

export function adminRoutes(
  gate: Gate,
  parts: {
    readonly registry: Registry;
    readonly roster: RosterKeeper;
    readonly studies: Studies;
    readonly progress: ProgressBoard;
    readonly isConnected: (site: string) => boolean;
    readonly now: () => number;
  },
): ExpressRouter {
  const { registry, roster, studies, progress, isConnected, now } = parts;
  const audience = 'administrator';
  const router = Router();

  const find = (study: string): StudyRunner => {
    const runner = studies.find(study);
    if (runner !== undefined) return runner;
    throw new RefusalError('study-unknown', {
      status: 404,
      message: 'There is no such study here. See "wardround-coordinator status" for those there are.',
    });
  };

  const statusOf = (runner: StudyRunner): StudyStatus =>
    studyStatus(runner.state(), {
      nowMillis: now(),
      sighting(site) {
        const latest = progress.of(site);
        return {
          connected: isConnected(site),
          heardMillis: progress.heardMillis(site),
          progress: latest?.progress ?? null,
          progressAtMillis: latest?.atMillis ?? null,
          progressSinceMillis: latest?.sinceMillis ?? null,
          isWaiting: progress.isWaiting(site, runner.state().study),
        };
      },
    });

  router.post(
    '/v1/admin/invitations',
    messageRoute(gate, {
      audience,
      body: InvitationRequest,
      handle: async ({ body }): Promise<InvitationAnswer> => registry.invite(body.site),
    }),
  );

  router.get(
    '/v1/admin/sites',
    messageRoute(gate, {
      audience,
      async handle(): Promise<SitesAnswer> {
        const sites = await registry.sites();
        const invitations = await registry.openInvitations();
        return {
          sites: sites.map(({ site, status, signingKey, sealingKey, enrolledAtMillis }) => ({
            site,
            status,
            fingerprint: fingerprint({ signingKey, sealingKey }),
            enrolledAtMillis,
            connected: isConnected(site),
          })),
          invitations: invitations.map(({ site, expiresAtMillis }) => ({ site, expiresAtMillis })),
        };
      },
    }),
  );

  router.post(
    '/v1/admin/sites/:site/admission',
    messageRoute(gate, {
      audience,
      parameters: NamesSite,
      async handle({ parameters }): Promise<AdmissionAnswer> {
        const { site } = parameters;
        await registry.admit(site);
        const found = await registry.find(site);
        if (found === null) throw new RangeError('A site that was admitted cannot be found');
        const waiting = found.status === 'admitted' ? null : roster.waiting();
        return { site, fingerprint: fingerprint(found), waiting };
      },
    }),
  );

  router.post(
    '/v1/admin/sites/:site/revocation',
    messageRoute(gate, {
      audience,
      parameters: NamesSite,
      async handle({ parameters }): Promise<RevocationAnswer> {
        await registry.revoke(parameters.site);
        return { site: parameters.site };
      },
    }),
  );

  router.get(
    '/v1/admin/roster',
    messageRoute(gate, {
      audience,
      handle: async (): Promise<RosterShown> => ({
        newest: roster.newest(),
        proposal: roster.proposal()?.roster ?? null,
        waiting: roster.waiting(),
      }),
    }),
  );

  router.post(
    '/v1/admin/studies',
    messageRoute(gate, {
      audience,
      body: StudyPlan,
      maximumBytes: limits.planBytes,
      async handle({ body }): Promise<LaunchAnswer> {
        const state = (await studies.launch(body)).state();
        return { study: state.study, name: state.name, sites: Object.keys(state.sites).sort() };
      },
    }),
  );

  router.get(
    '/v1/admin/studies',
    messageRoute(gate, {
      audience,
      handle: async (): Promise<StudiesAnswer> => ({ studies: studies.all().map(statusOf) }),
    }),
  );

  router.get(
    '/v1/admin/studies/:study',
    messageRoute(gate, {
      audience,
      parameters: NamesStudy,
      async handle({ parameters }): Promise<StudyAnswer> {
        const runner = find(parameters.study);
        return { status: statusOf(runner), state: runner.state() };
      },
    }),
  );

  for (const kind of ['abort', 'pause', 'resume'] as const) {
    router.post(
      `/v1/admin/studies/:study/${kind}`,
      messageRoute(gate, {
        audience,
        parameters: NamesStudy,
        async handle({ parameters }): Promise<StudyStatus> {
          const runner = find(parameters.study);
          requireAccepted(await runner.submit({ kind }));
          return statusOf(runner);
        },
      }),
    );
  }

  return router;
}
