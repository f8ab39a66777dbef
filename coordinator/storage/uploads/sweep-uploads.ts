/** Removes unfinished uploads that have expired or whose round is over, at start and from time to time. */
import type { UploadAnnouncement } from '@wardround/protocols/transfer/resumable-upload.ts';
import type { Clock } from '../../rounds/clock.ts';
import type { StagedUploads } from './staged-uploads.ts';

/** @returns what ends it. */
export function sweepUploads(
  staged: Pick<StagedUploads, 'sweep'>,
  options: {
    readonly clock: Clock;
    readonly everyMillis: number;
    readonly isExpected: (site: string, announcement: UploadAnnouncement) => boolean;
    readonly onTrouble: (error: unknown) => void;
  },
): () => void {
  const { clock, everyMillis, isExpected, onTrouble } = options;
  let cancel = (): void => undefined;
  const sweep = (): void => {
    staged.sweep(isExpected).catch(onTrouble);
    cancel = clock.at(clock.now() + everyMillis, sweep);
  };
  sweep();
  return () => cancel();
}
