/** An update of any size that nobody had to train: one sample, a one in a place of its own, zeros elsewhere. */
import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { createGrowingFile } from '@wardround/client/state/growing-file.ts';
import type { Trained, TrainTask } from '@wardround/client/training/worker-messages.ts';
import { codeBitsOf } from '@wardround/protocols/study/plan.ts';
import { sampleCountWords, writeSampleCounts } from '@wardround/protocols/transfer/sample-counts.ts';
import { updateVectorLength } from '@wardround/protocols/transfer/update-code.ts';
import { type CodeWords, createCodeWords } from '@wardround/shared/bytes/code-words.ts';
import { type Sha256Hex, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { openSealer, SEGMENT_BYTES } from '@wardround/shared/crypto/sealed-envelope.ts';
import { layoutHash } from '@wardround/shared/tensors/layout.ts';
import { models } from './sized-models.ts';

export async function makeSizedUpdate(task: TrainTask, position: number): Promise<Trained> {
  const { plan, sites, round, keepVector } = task;
  const stage = plan.stages.find(({ name }) => name === task.stage)!;
  const layout = models.layout(plan, stage);
  const codeBits = codeBitsOf(plan);
  const head = createCodeWords(sampleCountWords(layout.groups.length, codeBits), codeBits);
  writeSampleCounts(
    layout.groups.map(() => 1),
    head,
  );
  const vector: OneInZeros = {
    head,
    one: head.length + (((round - 1) * sites + position) % layout.size),
    words: updateVectorLength(layout, codeBits),
  };
  const made = keepVector === undefined ? await sealVector(vector, task) : await writeVector(vector, keepVector);
  const figures = { loss: 1, steps: 1, samples: 1, seconds: 0 };
  const nothing = { local: null, clippedCoordinates: 0, cappedGroups: [] };
  return { ...made, layout: layoutHash(layout), figures, ...nothing };
}

interface OneInZeros {
  readonly head: CodeWords;
  /** The word that is one. */
  readonly one: number;
  readonly words: number;
}

/** Zeros need no room on the disk: making them up would be the longest part of a round without training. */
async function writeVector({ head, one, words }: OneInZeros, path: string): Promise<Pick<Trained, 'blob' | 'bytes'>> {
  const width = head.BYTES_PER_ELEMENT;
  await using file = await open(path, 'w', 0o600);
  await file.truncate(width * words);
  await file.write(littleEndianBytes(head), 0, null, 0);
  await file.write(Uint8Array.of(1), 0, 1, width * one);
  await file.sync();
  return { blob: { hash: sha256Hex(`${one} of ${words}`), file: path }, bytes: width * words };
}

async function sealVector(
  { head, one, words }: OneInZeros,
  { outbox, sealing }: TrainTask,
): Promise<Pick<Trained, 'blob' | 'bytes'>> {
  const width = head.BYTES_PER_ELEMENT;
  const hash = createHash('sha256');
  let bytes = 0;
  await mkdir(outbox, { recursive: true });
  await using file = await createGrowingFile(outbox);
  const sealer = openSealer(width * words, sealing);
  const append = async (...pieces: readonly Uint8Array[]) => {
    for (const piece of pieces) {
      hash.update(piece);
      bytes += piece.length;
    }
    await file.write(...pieces);
  };
  await append(sealer.header);
  for (let first = 0; first < width * words; first += SEGMENT_BYTES) {
    const piece = new Uint8Array(Math.min(SEGMENT_BYTES, width * words - first));
    if (first === 0) piece.set(littleEndianBytes(head));
    const at = width * one - first;
    if (at >= 0 && at < piece.length) piece[at] = 1;
    await append(...sealer.seal(piece));
  }
  const name = hash.digest('hex') as Sha256Hex;
  return { blob: { hash: name, file: await file.keepAs(name) }, bytes };
}
