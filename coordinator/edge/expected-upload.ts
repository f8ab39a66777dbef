/** Which update an open round now expects of a site, and how large it can be. */
import { currentRound, isOver, type RoundState, type StudyState } from '@wardround/protocols/round/state.ts';
import { sessionWords } from '@wardround/protocols/secure-aggregation/session-terms.ts';
import { codeBitsOf } from '@wardround/protocols/study/plan.ts';
import type { UploadAnnouncement } from '@wardround/protocols/transfer/resumable-upload.ts';
import { updateVectorLength } from '@wardround/protocols/transfer/update-code.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { sealedLength } from '@wardround/shared/crypto/sealed-envelope.ts';
import type { StageModels } from '../aggregation/model-work.ts';
import { RefusalError } from '../refusal-error.ts';
import type { Studies } from '../rounds/studies.ts';
import { BlobTooLargeError } from '../storage/blob-store.ts';

type UploadPurpose = Pick<UploadAnnouncement, 'study' | 'stage' | 'round'>;

export interface ExpectedUploads {
  /**
   * Checks an announcement against what its round expects.
   *
   * @throws {RefusalError} when nothing is expected now. @throws {BlobTooLargeError}
   */
  require(site: string, announcement: UploadAnnouncement): void;
  /** Whether the round is open and the site's update can still be part of it. */
  isExpected(site: string, purpose: UploadPurpose): boolean;
  /** Complete uploads that rounds still need. */
  needed(): ReadonlySet<Sha256Hex>;
}

export function createExpectedUploads(studies: Studies, models: StageModels): ExpectedUploads {
  return {
    require(site, announcement) {
      const runner = studies.find(announcement.study);
      const state = runner?.state();
      const stage = runner?.plan.stages[(state?.stages.length ?? 0) - 1];
      const round = state === undefined ? null : openRound(state, { site, purpose: announcement });
      if (runner === undefined || state === undefined || stage === undefined || round === null) throw notExpected();
      const isMasked = round.session !== undefined;
      if (isMasked && !(state.phase.kind === 'secure-session' && state.phase.step === 'masked-input')) {
        throw notExpected();
      }
      const layout = models.layout(runner.plan, stage);
      const codeBits = codeBitsOf(runner.plan);
      const words = isMasked ? sessionWords(layout, codeBits) : updateVectorLength(layout, codeBits);
      const maximumBytes = sealedLength((codeBits / 8) * words);
      if (announcement.bytes > maximumBytes) {
        throw new BlobTooLargeError(`Cannot store the blob: at most ${maximumBytes} bytes are expected`);
      }
    },
    isExpected(site, purpose) {
      const runner = studies.find(purpose.study);
      return runner !== undefined && openRound(runner.state(), { site, purpose }) !== null;
    },
    needed: () => studies.neededBlobs().uploads,
  };
}

function openRound(state: StudyState, { site, purpose }: { site: string; purpose: UploadPurpose }): RoundState | null {
  const round = currentRound(state);
  if (isOver(state) || round === undefined || round.outcome !== null || !round.sites.includes(site)) return null;
  if (state.stages.at(-1)?.name !== purpose.stage || round.round !== purpose.round) return null;
  if (round.session === undefined) return state.phase.kind === 'training' ? round : null;
  if (state.phase.kind !== 'secure-session') return null;
  return round.session.steps['masked-input']?.sites.includes(site) === true ? round : null;
}

function notExpected(): RefusalError {
  return new RefusalError('no-upload-expected', {
    status: 409,
    message: 'No open round expects this update of this site. Ask for work.',
  });
}
