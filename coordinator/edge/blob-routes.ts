/** Blobs: sites download plans, weights and sums, from any byte on. A blob's name is its hash, so its bytes never change. */
import { Sha256 } from '@wardround/protocols/names.ts';
import { type Router as ExpressRouter, type Request, Router } from 'express';
import { z } from 'zod';
import { RefusalError } from '../refusal-error.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import { admitCaller, type Gate, parse } from './message-route.ts';
import { readBody } from './read-body.ts';
import { ReceiverGoneError, sendSlices } from './send-slices.ts';
import { paced, type SitePace } from './site-pace.ts';

const NamesBlob = z.object({ hash: Sha256 });

export function blobRoutes(
  gate: Gate,
  parts: {
    readonly published: BlobStore;
    /** How fast a site may fetch; null for as fast as it can. */
    readonly pace?: SitePace | null;
  },
): ExpressRouter {
  const { published, pace = null } = parts;
  const router = Router();

  router.get('/v1/blobs/:hash', async (request, response) => {
    const caller = await admitCaller(gate, request, 'admitted');
    const { hash } = parse(NamesBlob, request.params, 404);
    await readBody(request, { maximumBytes: 0, contentSha256: caller.contentSha256 });
    const size = await published.size(hash);
    if (size === null) {
      throw new RefusalError('blob-not-found', {
        status: 404,
        message: 'There is no such blob here, or no longer. Ask for work.',
      });
    }
    const etag = `"${hash}"`;
    response.set({
      etag,
      'accept-ranges': 'bytes',
      'cache-control': 'private, max-age=31536000, immutable',
      'content-type': 'application/octet-stream',
    });
    const range = rangeOf(request, { etag, size });
    if (range === 'unsatisfiable') {
      response.status(416).set('content-range', `bytes */${size}`).end();
      return;
    }
    const { start, end } = range ?? { start: 0, end: size - 1 };
    if (range !== null) response.status(206).set('content-range', `bytes ${start}-${end}/${size}`);
    response.set('content-length', String(end + 1 - start));
    // Express answers HEAD here too.
    if (size === 0 || request.method === 'HEAD') return void response.end();
    const file = await published.stream(hash, { start, end });
    try {
      await sendSlices(response, pace === null ? file : paced<Uint8Array>(file, { pace, site: caller.name }));
    } catch (error) {
      if (!response.headersSent && !(error instanceof ReceiverGoneError)) throw error;
      // Whoever did not get everything comes back with a Range.
      response.destroy();
    }
  });

  return router;
}

/**
 * The one range that is asked for (RFC 9110 section 14.2), null for the whole: also when several are asked for, and when
 * If-Range names another blob.
 */
function rangeOf(
  request: Request,
  { etag, size }: { readonly etag: string; readonly size: number },
): { readonly start: number; readonly end: number } | 'unsatisfiable' | null {
  const condition = request.headers['if-range'];
  if (condition !== undefined && condition !== etag) return null;
  const ranges = request.range(size);
  if (ranges === -1) return 'unsatisfiable';
  if (ranges === undefined || ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return null;
  return ranges[0] ?? null;
}
