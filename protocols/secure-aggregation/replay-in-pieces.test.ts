import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { describe, expect, test } from 'vitest';
import { replayInPieces, type VectorPiece } from './replay-in-pieces.ts';
import { beginPlay, createConsortium, plainSum, playAll } from './simulated-session.ts';
import type { Transcript } from './transcript.ts';
import { transcriptHash, transcriptOf } from './transcript.ts';

const words = 1001;
const consortium = createConsortium(5, { words, seed: 'replayed in pieces' });
const sites = [...consortium.contexts.keys()];
const vectors = new Map(
  sites.map((site, index) => {
    const vector = Int32Array.from({ length: words }, (_, word) => (word * 7919 * (index + 1)) % 100_000);
    vector[words - 1] = 1;
    return [site, vector];
  }),
);
// One site falls silent before it masks, so that its masks are taken out through the others' shares.
const played = playAll(beginPlay(consortium, { vectors }), { 'masked-input': new Set([sites[4]!]) });
if (!played.ok) throw new Error(played.reason);
const { play } = played;
const transcript = transcriptOf(play.coordinator);
const trueSum = plainSum(play, sites.slice(0, 4)).subarray(0, words - 1);

function reading(change: (bytes: Uint8Array, piece: VectorPiece) => Uint8Array = (bytes) => bytes) {
  return async (piece: VectorPiece) => {
    const whole = littleEndianBytes(play.masked.get(piece.site)!);
    return change(Uint8Array.from(whole.subarray(piece.position, piece.position + piece.bytes)), piece);
  };
}

const replayed = (of: Transcript, readPiece = reading(), pieceWords = 100) =>
  replayInPieces(of, { roster: consortium.roster, readPiece, pieceWords });

describe('sum tampering / selective drop: replayInPieces()', () => {
  test.each([1, 100, 1000, 1001, 5000])('gives the published sum in pieces of %i numbers', async (pieceWords) => {
    const result = await replayed(transcript, reading(), pieceWords);
    expect(result).toEqual({ ok: true, sum: sha256Hex(littleEndianBytes(trueSum)), survivors: sites.slice(0, 4) });
  });

  test('a published sum with one coordinate altered is not the one that it gives', async () => {
    const altered = Int32Array.from(trueSum);
    altered[500]! += 1;
    const result = await replayed(transcript);
    expect(result.ok && result.sum).not.toBe(sha256Hex(littleEndianBytes(altered)));
  });

  test.each([0, 1, 777, 4 * words - 1])('names the site whose vector was altered in byte %i', async (place) => {
    const readPiece = reading((bytes, { site, position }) => {
      const at = place - position;
      if (site === sites[2] && at >= 0 && at < bytes.length) bytes[at]! ^= 4;
      return bytes;
    });
    expect(await replayed(transcript, readPiece)).toEqual({
      ok: false,
      reason: 'masked-input-altered',
      suspect: sites[2],
    });
  });

  test('names the site whose vector is not there, or is shorter', async () => {
    const gone = reading((bytes, { site }) => (site === sites[1] ? new Uint8Array() : bytes));
    expect(await replayed(transcript, gone)).toMatchObject({ ok: false, suspect: sites[1] });
    const short = reading((bytes, { site, position }) =>
      site === sites[3] && position === 4000 ? bytes.subarray(4) : bytes,
    );
    expect(await replayed(transcript, short)).toMatchObject({ ok: false, suspect: sites[3] });
  });

  test('finds every message that was left out, altered or put in from another session', async () => {
    const other = playAll(beginPlay(createConsortium(5, { words, seed: 'another' }), { vectors }));
    if (!other.ok) throw new Error(other.reason);
    const foreign = transcriptOf(other.play.coordinator).messages;
    for (const [index, message] of transcript.messages.entries()) {
      const without = { ...transcript, messages: transcript.messages.toSpliced(index, 1) };
      expect(transcriptHash(without)).not.toBe(transcriptHash(transcript));
      // Views of who shared and survived name every site of the sum; beyond the threshold the last phase can lack one.
      const { phase, site } = message.header;
      const isSpare = phase === 'consistency' || phase === 'unmask';
      if (!isSpare) expect(await replayed(without), `${phase} of ${site} left out`).toMatchObject({ ok: false });
      const twin = foreign.find(({ header }) => header.phase === phase && header.site === site)!;
      const swapped = { ...transcript, messages: transcript.messages.with(index, twin) };
      expect(await replayed(swapped), `${phase} of ${site} swapped`).toMatchObject({ ok: false });
      expect(transcriptHash(swapped)).not.toBe(transcriptHash(transcript));
      const header = { ...message.header, sequence: message.header.sequence + 1 };
      const altered = { ...transcript, messages: transcript.messages.with(index, { ...message, header }) };
      expect(await replayed(altered), `${phase} of ${site} altered`).toMatchObject({ ok: false, suspect: site });
    }
  });
});
