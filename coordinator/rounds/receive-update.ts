/** Takes a site's offer of an update: is it its turn, can the envelope be opened, and can the numbers be added? */

import { currentRound } from '@wardround/protocols/round/state.ts';
import type { UpdateInput } from '@wardround/protocols/round/study-input.ts';
import type { UpdateOffer } from '@wardround/protocols/session/messages.ts';
import type { ModelWork } from '../aggregation/model-work.ts';
import { RefusalError } from '../refusal-error.ts';
import type { UploadStore } from '../storage/upload-store.ts';
import { requireAccepted } from './require-accepted.ts';
import type { StudyRunner } from './study-runner.ts';

export interface UpdateAddress {
  readonly site: string;
  /** The stage's name. */
  readonly stage: string;
  readonly round: number;
}

/**
 * Resolves when the update is durably accepted, now or by an earlier offer of the same.
 *
 * @throws {RefusalError}
 */
export async function receiveUpdate(
  runner: StudyRunner,
  { address, offer }: { readonly address: UpdateAddress; readonly offer: UpdateOffer },
  parts: { readonly uploads: UploadStore; readonly work: ModelWork },
): Promise<void> {
  const uploads = await parts.uploads.of(address.site);
  const bytes = await uploads.size(offer.blob);
  const input: UpdateInput = { kind: 'update', ...address, ...offer, bytes: bytes ?? 0, finding: null };

  // Opening costs time and memory: only for an update that would be taken.
  const preview = runner.preview(input);
  const wouldAccept = preview.events.some((event) => event.kind === 'update-accepted' && event.site === address.site);
  const round = currentRound(runner.state());
  if (!wouldAccept || round === undefined) {
    requireAccepted(await runner.submit(input));
    return;
  }
  if (bytes === null) {
    throw new RefusalError('blob-missing', {
      status: 409,
      message: 'The update’s blob has not been uploaded. Upload it, then offer it again.',
    });
  }
  const finding = await parts.work.inspectUpdate({
    plan: runner.plan,
    stage: runner.state().stages.length - 1,
    study: runner.state().study,
    round: round.round,
    startModel: round.startModel,
    sites: round.sites.length,
    site: address.site,
    blob: offer.blob,
  });
  const decision = await runner.submit({ ...input, finding });
  if (finding !== null) await uploads.remove(offer.blob);
  requireAccepted(decision);
}
