import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SiteState } from '@wardround/protocols/secure-aggregation/site-state.ts';
import { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { UploadedBlob } from '../../link/site-link.ts';
import { keepSession, readKeptSession } from '../../state/kept-session.ts';
import { openSiteIdentity } from '../../state/site-identity.ts';
import { performSessionStep, type SessionContext, type SessionWork } from './perform-session-step.ts';

const work = {
  study: sha256Hex('study'),
  name: 'small-study',
  planBlob: sha256Hex('plan'),
  stage: 'slices',
  round: 2,
  attempt: 1,
  step: 'masked-input',
  model: sha256Hex('model'),
  deadlineMillis: 0,
} as SessionWork;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'wardround-spent-'));
  await openSiteIdentity(folder);
});
afterEach(() => rm(folder, { recursive: true }));

/** A vector that was masked before a restart, and is sent again. */
async function sendAgain(
  spent: { readonly epsilon?: number | null },
  { outbox = 'masked' }: { readonly outbox?: string } = {},
): Promise<readonly UploadedBlob[]> {
  const { study, stage, round, model } = work;
  const party = { phase: 'masked', terms: { attempt: 1 }, last: {} } as unknown as SiteState;
  await keepSession(folder, {
    ...{ study, stage, round, model, ...spent },
    figures: { loss: 1, steps: 2, samples: 3, seconds: 4 },
    hasVector: true,
    party,
    masked: { blob: sha256Hex('masked'), bytes: 6 },
  });
  await mkdir(path.join(folder, 'outbox'), { recursive: true });
  await writeFile(path.join(folder, 'outbox', sha256Hex('masked')), outbox);
  const upload = vi.fn(async (_blob: UploadedBlob) => undefined);
  const link = { upload, sendSessionMessage: vi.fn(), sessionDocument: vi.fn(async () => ({}) as never) };
  const context = { folder, site: 'clinic', link } as unknown as SessionContext;
  const plan = StudyPlan.parse(smallPlan());
  await performSessionStep({ work, plan, signal: new AbortController().signal }, context);
  expect(link.sendSessionMessage).toHaveBeenCalledOnce();
  return upload.mock.calls.map(([blob]) => blob);
}

describe('performSessionStep()', () => {
  test('says with a masked update what the patients have spent with it, as it was charged before the restart', async () => {
    expect(await sendAgain({ epsilon: 1.25 })).toMatchObject([{ hash: sha256Hex('masked'), epsilon: 1.25 }]);
    expect((await readKeptSession(folder, work))?.epsilon).toBe(1.25);
  });

  test('says nothing of it where no budget is kept, or a session was kept before there was one', async () => {
    expect(await sendAgain({ epsilon: null })).toMatchObject([{ epsilon: null }]);
    expect(await sendAgain({})).toMatchObject([{ epsilon: null }]);
  });

  test('leaves the round with a masked update that a power cut has torn', async () => {
    await expect(sendAgain({}, { outbox: 'mask' })).rejects.toMatchObject({ reason: 'session-not-known' });
  });
});
