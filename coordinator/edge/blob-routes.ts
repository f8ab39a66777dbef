/**
 * Blobs: sites download plans and weights, which resume with Range, and upload sealed updates, which are checked against
 * the hash they were announced with while they stream to the disk.
 */

import { Sha256 } from '@wardround/protocols/names.ts';
import { currentRound, isOver } from '@wardround/protocols/round/state.ts';
import { sessionWords } from '@wardround/protocols/secure-aggregation/session-terms.ts';
import type { Acknowledgement } from '@wardround/protocols/session/messages.ts';
import { updateVectorLength } from '@wardround/protocols/transfer/update-code.ts';
import { sealedLength } from '@wardround/shared/crypto/sealed-envelope.ts';
import { SignatureRefusedError } from '@wardround/shared/crypto/signed-request.ts';
import { type Router as ExpressRouter, Router } from 'express';
import { z } from 'zod';
import type { StageModels } from '../aggregation/model-work.ts';
import { RefusalError } from '../refusal-error.ts';
import type { Studies } from '../rounds/studies.ts';
import { type BlobFolder, BlobTooLargeError } from '../storage/blob-folder.ts';
import type { UploadFolder } from '../storage/upload-folder.ts';
import { limits } from './limits.ts';
import { admitCaller, type Gate, parse } from './message-route.ts';
import { declaredBytes, readBody, requirePlainEncoding } from './read-body.ts';

const NamesBlob = z.object({ hash: Sha256 });

export function blobRoutes(
  gate: Gate,
  parts: {
    readonly published: BlobFolder;
    readonly uploads: UploadFolder;
    readonly studies: Studies;
    readonly models: StageModels;
  },
): ExpressRouter {
  const { published, uploads, studies, models } = parts;
  const uploading = new Map<string, number>();
  const router = Router();

  router.get('/v1/blobs/:hash', async (request, response, next) => {
    const caller = await admitCaller(gate, request, 'admitted');
    const { hash } = parse(NamesBlob, request.params, 404);
    await readBody(request, { maximumBytes: 0, contentSha256: caller.contentSha256 });
    if ((await published.size(hash)) === null) {
      throw new RefusalError('blob-not-found', {
        status: 404,
        message: 'There is no such blob here, or no longer. Ask for work.',
      });
    }
    // The name is the hash: the bytes never change, and the receiver checks them by it.
    response.set({
      etag: `"${hash}"`,
      'cache-control': 'private, max-age=31536000, immutable',
      'content-type': 'application/octet-stream',
    });
    response.sendFile(hash, { root: published.folder, lastModified: false, cacheControl: false }, (error?: unknown) => {
      // A receiver that went away is not a failure; it comes back with a Range.
      if (error === undefined || response.headersSent) return;
      const status = statusOf(error);
      if (status === 416 || status === 412) response.status(status).end();
      else next(error);
    });
  });

  router.put('/v1/blobs/:hash', async (request, response) => {
    const caller = await admitCaller(gate, request, 'admitted');
    const { hash } = parse(NamesBlob, request.params, 404);
    requirePlainEncoding(request);
    if (hash !== caller.contentSha256) {
      throw new SignatureRefusedError('body-hash-mismatch', 'The blob’s name must be the hash that was signed.');
    }
    const maximumBytes = largestUpdate(studies, { site: caller.name, models });
    if (declaredBytes(request) > maximumBytes) {
      throw new BlobTooLargeError(`Cannot store the blob: at most ${maximumBytes} bytes are expected`);
    }
    const underWay = uploading.get(caller.name) ?? 0;
    if (underWay >= limits.uploadsAtOnce) {
      throw new RefusalError('too-many-uploads', { status: 429, message: 'Finish the uploads under way first.' });
    }
    uploading.set(caller.name, underWay + 1);
    try {
      const needed = studies.neededBlobs().uploads;
      await uploads.makeRoom(caller.name, { needed, limit: limits.uploadsWaiting });
      await (await uploads.of(caller.name)).receive(hash, request.iterator({ destroyOnReturn: false }), {
        maximumBytes,
      });
    } finally {
      uploading.set(caller.name, (uploading.get(caller.name) ?? 1) - 1);
    }
    const acknowledged: Acknowledgement = { ok: true };
    gate.send(request, response, { status: 200, body: acknowledged });
  });

  return router;
}

/**
 * The size of the largest sealed update that a round now expects of the site.
 *
 * @throws {RefusalError} when none does.
 */
function largestUpdate(
  studies: Studies,
  { site, models }: { readonly site: string; readonly models: StageModels },
): number {
  const sizes = studies.all().map((runner) => {
    const state = runner.state();
    const stage = runner.plan.stages[state.stages.length - 1];
    const round = currentRound(state);
    if (isOver(state) || stage === undefined || round === undefined) return 0;
    if (!round.sites.includes(site)) return 0;
    const layout = models.layout(runner.plan, stage);
    if (state.phase.kind === 'training' && round.session === undefined) {
      return sealedLength(4 * updateVectorLength(layout));
    }
    const isMasked = state.phase.kind === 'secure-session' && state.phase.step === 'masked-input';
    const isAsked = isMasked && round.session?.steps['masked-input']?.sites.includes(site) === true;
    return isAsked ? sealedLength(4 * sessionWords(layout)) : 0;
  });
  const largest = Math.max(0, ...sizes);
  if (largest > 0) return largest;
  throw new RefusalError('no-upload-expected', {
    status: 409,
    message: 'No open round expects an update of this site. Ask for work.',
  });
}

/** The status that Express's file sender gives an unsatisfiable Range or precondition. */
function statusOf(error: unknown): unknown {
  return error instanceof Error && 'status' in error ? error.status : undefined;
}
