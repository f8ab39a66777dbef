/** What members need to replay a round (protocols/audit/transcript-messages.ts). */
import { LARGEST_PIECE_BYTES, type TranscriptPage } from '@wardround/protocols/audit/transcript-messages.ts';
import { Sha256, Slug } from '@wardround/protocols/names.ts';
import { AdvertiseMessage, SiteMessage } from '@wardround/protocols/secure-aggregation/messages.ts';
import { updateContext } from '@wardround/protocols/transfer/envelope-contexts.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { Identity } from '@wardround/shared/crypto/identity.ts';
import {
  openSegment,
  readSealedBody,
  SEAL_HEADER_BYTES,
  SEGMENT_BYTES,
  segmentRange,
} from '@wardround/shared/crypto/sealed-envelope.ts';
import { type Router as ExpressRouter, type Request, Router } from 'express';
import { z } from 'zod';
import { RefusalError } from '../refusal-error.ts';
import {
  type KeptTranscript,
  keptTranscripts,
  type TranscriptRules,
  transcriptMessages,
} from '../rounds/kept-transcripts.ts';
import type { Studies } from '../rounds/studies.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import type { UploadStore } from '../storage/upload-store.ts';
import { admitCaller, type Gate, parse } from './message-route.ts';
import { readBody } from './read-body.ts';

/** A page of messages ends with the one that makes it this long. */
const PAGE_BYTES = 1 << 20;

const WholeNumber = z
  .string()
  .regex(/^(?:0|[1-9]\d{0,11})$/)
  .transform(Number);
const InRound = z.object({ study: Sha256, stage: Slug, round: WholeNumber.refine((round) => round > 0) });
const OfSite = InRound.extend({ site: Slug });
const FromMessage = z.strictObject({ from: WholeNumber });
const Piece = z.strictObject({
  from: WholeNumber,
  bytes: WholeNumber.refine((bytes) => bytes > 0 && bytes <= LARGEST_PIECE_BYTES),
});

export function transcriptRoutes(
  gate: Gate,
  parts: {
    readonly identity: Pick<Identity, 'sealingSecret'>;
    readonly studies: Studies;
    readonly messages: BlobStore;
    readonly uploads: UploadStore;
    readonly transcripts: TranscriptRules;
    readonly now: () => number;
  },
): ExpressRouter {
  const { studies, messages, uploads, transcripts, now } = parts;
  const router = Router();

  const admit = async (request: Request): Promise<void> => {
    const { contentSha256 } = await admitCaller(gate, request, 'admitted');
    await readBody(request, { maximumBytes: 0, contentSha256 });
  };

  const find = ({ study, stage, round }: z.infer<typeof InRound>): KeptTranscript => {
    const runner = studies.find(study);
    const state = runner?.state() ?? { stages: [], endedAtMillis: null };
    const kept = keptTranscripts(state, { ...transcripts, nowMillis: now() });
    const found = kept.find((one) => one.stage.name === stage && one.round.round === round);
    if (found !== undefined) return found;
    const rounds = kept.map((one) => `${one.stage.name} ${one.round.round}`).join(', ');
    throw new RefusalError('transcript-not-kept', {
      status: 404,
      message: `The transcript of this round is not kept. ${rounds === '' ? 'There is none' : `There are: ${rounds.slice(-400)}`}.`,
    });
  };

  router.get('/v1/studies/:study/stages/:stage/rounds/:round/transcript', async (request, response) => {
    await admit(request);
    const { round } = find(parse(InRound, request.params, 404));
    const { from } = parse(FromMessage, request.query, 404);
    const references = transcriptMessages(round);
    const [first] = references;
    if (first === undefined || from >= references.length) {
      throw new RefusalError('not-found', { status: 404, message: 'The transcript has no such message.' });
    }
    const read = async (hash: Sha256Hex): Promise<unknown> =>
      JSON.parse(Buffer.from(await messages.read(hash)).toString());
    const page: TranscriptPage['messages'] = [];
    for (let bytes = 0; bytes < PAGE_BYTES && from + page.length < references.length; ) {
      const message = SiteMessage.parse(await read(references[from + page.length]!.body));
      page.push(message);
      bytes += JSON.stringify(message).length;
    }
    const { terms } = AdvertiseMessage.parse(await read(first.body)).body;
    const body: TranscriptPage = { terms, total: references.length, messages: page };
    gate.send(request, response, { status: 200, body });
  });

  router.get('/v1/studies/:study/stages/:stage/rounds/:round/transcript/vectors/:site', async (request, response) => {
    await admit(request);
    const address = parse(OfSite, request.params, 404);
    const { stage, round } = find(address);
    const { from, bytes } = parse(Piece, request.query, 404);
    const { site, study } = address;
    const update = round.accepted.find((accepted) => accepted.site === site);
    if (update === undefined) {
      throw new RefusalError('not-found', {
        status: 404,
        message: 'The sum of this round has no vector of that site.',
      });
    }
    const context = updateContext({ study, stage: stage.name, round: round.round, site, model: round.startModel });
    await using file = await (await uploads.of(site)).openUnchecked(update.blob);
    const { sizeBytes: sealedBytes } = file;
    const header = await file.read({ position: 0, bytes: SEAL_HEADER_BYTES });
    const sealed = readSealedBody(header, { identity: parts.identity, context, sealedBytes });
    const end = Math.min(from + bytes, sealed.plaintextBytes);
    const pieces: Uint8Array[] = [];
    for (let position = from; position < end; ) {
      const segment = Math.floor(position / SEGMENT_BYTES);
      const begin = segment * SEGMENT_BYTES;
      const opened = openSegment(sealed, { segment, sealed: await file.read(segmentRange(sealed, segment)) });
      const piece = opened.subarray(position - begin, end - begin);
      pieces.push(piece);
      position += piece.length;
    }
    response.set({ 'content-type': 'application/octet-stream', 'cache-control': 'private, no-store' });
    response.status(200).send(Buffer.concat(pieces));
  });

  return router;
}
