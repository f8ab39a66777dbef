/**
 * Sealed updates that sites have uploaded and that have not been added yet. Each site has blobs of its own, so a site can
 * offer only its own.
 */
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { BlobStore } from './blob-store.ts';

export interface UploadStore {
  /** The site's own blobs. */
  of(site: string): Promise<BlobStore>;
  /** Removes the site's oldest uploads that nobody needs until it has fewer than `limit` of them. */
  makeRoom(site: string, options: { readonly needed: ReadonlySet<Sha256Hex>; readonly limit: number }): Promise<void>;
  /** Removes every whole upload that is not needed, of every site. */
  sweep(needed: ReadonlySet<Sha256Hex>): Promise<void>;
  /** Removes what interrupted writes left behind. Uploads under way stay: staged-uploads.ts removes them in time. */
  removeParts(): Promise<void>;
}

/** `makeRoom` of an upload store. */
export async function makeRoomIn(
  blobs: BlobStore,
  { needed, limit }: { readonly needed: ReadonlySet<Sha256Hex>; readonly limit: number },
): Promise<void> {
  const spare = (await blobs.entries()).filter(({ hash }) => !needed.has(hash));
  spare.sort((a, b) => a.modifiedMillis - b.modifiedMillis);
  for (const { hash } of spare.slice(0, Math.max(0, spare.length - limit + 1))) await blobs.remove(hash);
}
