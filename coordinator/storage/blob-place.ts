/** Where the coordinator's blobs are: folders, or a bucket of an object store. */
import path from 'node:path';
import type { S3Place } from './objects/s3-objects.ts';

export type BlobPlace =
  | { readonly kind: 'folder'; readonly root: string }
  /** `cache` is a folder of this machine. */
  | { readonly kind: 's3'; readonly place: S3Place; readonly cache: string };

/**
 * @param text a folder, or `s3://BUCKET/PREFIX`; null for the state folder.
 * @throws {SyntaxError} when it is neither.
 */
export function blobPlace(text: string | null, stateRoot: string): BlobPlace {
  if (text === null) return { kind: 'folder', root: stateRoot };
  const s3 = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([\w.\-/]*))?$/.exec(text);
  if (s3 !== null) {
    const prefix = (s3[2] ?? '').replace(/^\/+|\/+$/g, '');
    const place = { bucket: s3[1] ?? '', prefix: prefix === '' ? '' : `${prefix}/` };
    return { kind: 's3', place, cache: path.join(stateRoot, 'cache') };
  }
  if (text === '' || /^[a-z][a-z0-9+.-]+:\/\//i.test(text)) {
    throw new SyntaxError('Cannot use --blob-store: needed a folder or s3://BUCKET/PREFIX.');
  }
  return { kind: 'folder', root: path.resolve(text) };
}
