/** What a site may have at the coordinator at a time: what was received whole, and what it has announced. */
import { RefusalError } from '../../refusal-error.ts';
import type { BlobStore } from '../blob-store.ts';

/** @throws {RefusalError} `upload-quota` */
export async function requireQuota(
  blobs: Pick<BlobStore, 'list' | 'size'>,
  { announcedBytes, siteBytes }: { readonly announcedBytes: number; readonly siteBytes: number },
): Promise<void> {
  let bytes = announcedBytes;
  for (const hash of await blobs.list()) bytes += (await blobs.size(hash)) ?? 0;
  if (bytes <= siteBytes) return;
  throw new RefusalError('upload-quota', {
    status: 429,
    message: `A site may have ${siteBytes} bytes here at a time. Go on when a round has taken what waits.`,
  });
}
