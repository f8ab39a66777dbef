/** The uploads at the end of a recorded session, on the disk as the coordinator finds them, and what it adds them to. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUpdateAdder, type SumRequest } from '@wardround/coordinator/aggregation/add-updates.ts';
import { openPieceThreads } from '@wardround/coordinator/aggregation/pieces/piece-threads.ts';
import { openStagedVector } from '@wardround/coordinator/aggregation/staged-vector.ts';
import { openBlobFolder } from '@wardround/coordinator/storage/blob-folder.ts';
import { CANARY } from '@wardround/protocols/secure-aggregation/canary.ts';
import { generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { addMasks, type Mask } from '@wardround/shared/crypto/mask-generator.ts';
import { openSealer, SEGMENT_BYTES } from '@wardround/shared/crypto/sealed-envelope.ts';
import { createLayout } from '@wardround/shared/tensors/layout.ts';

export interface StagedSession extends AsyncDisposable {
  /** Adds, unmasks, applies and publishes, from disk to disk. */
  add(instructions: readonly Mask[]): Promise<void>;
}

const PIECE_WORDS = SEGMENT_BYTES / 4;

/**
 * Stages vectors of nothing but zeros, a sample and the canary; the first has all masks that the session leaves in the sum.
 * The others are one file, read once for each.
 *
 * @param options `left`: the masks that are in the sum.
 */
export async function stageSession(options: {
  readonly words: number;
  readonly survivors: number;
  readonly left: readonly Mask[];
}): Promise<StagedSession> {
  const { words, survivors, left } = options;
  const folder = await mkdtemp(join(tmpdir(), 'wardround-bench-'));
  const [uploads, published, optimiserStates] = ['uploads', 'published', 'states'].map((name) =>
    openBlobFolder(join(folder, name)),
  ) as [Blobs, Blobs, Blobs];
  for (const blobs of [uploads, published, optimiserStates]) await mkdir(blobs.folder);
  const identity = generateIdentity();
  const { sealingKey: recipientSealingKey } = publicKeys(identity);
  const context = 'bench';

  const stage = async (masks: readonly Mask[]) => {
    await using draft = await uploads.draft();
    const sealer = openSealer(4 * words, { recipientSealingKey, context });
    await draft.append(sealer.header);
    for (let firstWord = 0; firstWord < words; firstWord += PIECE_WORDS) {
      const piece = new Int32Array(Math.min(PIECE_WORDS, words - firstWord));
      if (firstWord === 0) piece[0] = 1;
      if (firstWord + piece.length === words) piece[piece.length - 1] = CANARY;
      addMasks(piece, masks, { firstWord });
      for (const part of sealer.seal(new Uint8Array(piece.buffer))) await draft.append(part);
    }
    const opened = await openStagedVector(uploads, { blob: await draft.publish(), identity, context });
    if (typeof opened === 'string') throw new Error(`Cannot measure: ${opened}`);
    return opened;
  };

  const masked = await stage(left);
  const plain = await stage([]);
  const size = words - 2;
  const layout = createLayout([{ name: 'all', shape: [size], initialiser: { kind: 'zeros' }, group: 'all' }]);
  await using weights = await published.draft();
  for (let first = 0; first < size; first += PIECE_WORDS) {
    await weights.append(new Uint8Array(4 * Math.min(PIECE_WORDS, size - first)));
  }
  const startModel = await weights.publish();
  const threads = openPieceThreads();
  const adder = createUpdateAdder({ published, optimiserStates, threads });
  const request: Omit<SumRequest, 'instructions'> = {
    vectors: [masked.vector, ...Array(survivors - 1).fill(plain.vector)],
    code: { layout, clip: 1, maximumSampleCount: 1, sites: survivors },
    server: { kind: 'fedavg', learningRate: 1 },
    startModel,
    optimiserState: null,
  };
  return {
    async add(instructions) {
      const result = await adder.add({ ...request, instructions });
      if (result.kind !== 'moved') throw new Error(`Cannot add: ${result.kind}`);
    },
    async [Symbol.asyncDispose]() {
      await threads.close();
      for (const opened of [masked, plain]) await opened[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type Blobs = ReturnType<typeof openBlobFolder>;
