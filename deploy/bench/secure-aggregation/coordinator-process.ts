/** The coordinator's part in a recorded session, from staged uploads on the disk, in a process of its own; answers with one line of JSON. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize } from 'node:v8';
import { createUpdateAdder } from '@wardround/coordinator/aggregation/add-updates.ts';
import { PIECE_BYTES } from '@wardround/coordinator/aggregation/pieces/move-piece.ts';
import { openPieceThreads } from '@wardround/coordinator/aggregation/pieces/piece-threads.ts';
import { openStagedVector } from '@wardround/coordinator/aggregation/staged-vector.ts';
import { openBlobFolder } from '@wardround/coordinator/storage/blob-folder.ts';
import {
  CLOSINGS,
  type CoordinatorState,
  closeUnmasking,
  openSession,
  receive,
} from '@wardround/protocols/secure-aggregation/coordinator-party.ts';
import type { MaskInstruction } from '@wardround/protocols/secure-aggregation/mask-instructions.ts';
import { updateVectorBytes } from '@wardround/protocols/transfer/update-code.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { median } from '../median.ts';
import { layoutOf, type MeasureRequest } from './measured-case.ts';
import { peakMemoryOf } from './peak-memory.ts';
import { jsonBytes, type RecordedSession } from './recorded-session.ts';
import type { Staged } from './stage-process.ts';

export interface CoordinatorFigures {
  /** Checking all messages and closing all phases. */
  readonly messageSeconds: number;
  /** Putting the secrets together, taking out the masks and looking at the ranges: the median. */
  readonly unmaskSeconds: number;
  /** All that the coordinator does with the uploads when they are there, from disk to disk: the median. */
  readonly addSeconds: number;
  /** Of all threads, for the same: the median. */
  readonly addProcessorSeconds: number;
  readonly masks: number;
  /** While it does that. */
  readonly peakBytes: number;
  readonly inBytes: number;
  readonly outBytes: number;
}

const { session, folder, parameters, codeBits, repeats } = JSON.parse(process.argv[2] ?? '') as MeasureRequest;
const { coordinator, answeredBytes } = deserialize(await readFile(session)) as RecordedSession;
const staged = deserialize(await readFile(join(folder, 'staged'))) as Staged;
const survivors = coordinator.survivors!.length;
const layout = layoutOf(parameters);

/** Takes in all messages as they came. */
function hearAll(): void {
  let state: CoordinatorState = openSession(coordinator.terms, coordinator.roster);
  for (const message of coordinator.messages) {
    while (state.phase !== message.header.phase) {
      const closed = CLOSINGS[state.phase](state);
      if (!closed.ok) throw new Error(`Cannot close the phase: ${closed.reason}`);
      state = closed.state;
    }
    const received = receive(state, message);
    if (!received.ok) throw new Error(`Cannot take in a message: ${received.reason}`);
    state = received.state;
  }
}

function instructionsOf(): readonly MaskInstruction[] {
  const closed = closeUnmasking(coordinator);
  if (!closed.ok) throw new Error(`Cannot unmask: ${closed.reason}`);
  return closed.answer;
}

const [uploads, published, optimiserStates] = ['uploads', 'published', 'states'].map((name) =>
  openBlobFolder(join(folder, name)),
) as [Blobs, Blobs, Blobs];
type Blobs = ReturnType<typeof openBlobFolder>;
for (const blobs of [published, optimiserStates]) await mkdir(blobs.folder);

async function publishZeros(): Promise<Sha256Hex> {
  await using weights = await published.draft();
  const zeros = new Uint8Array(PIECE_BYTES);
  for (let done = 0; done < 4 * parameters; done += zeros.length) {
    await weights.append(zeros.subarray(0, 4 * parameters - done));
  }
  return await weights.publish();
}

const startModel = await publishZeros();
const open = async (blob: Sha256Hex) => {
  const opened = await openStagedVector(uploads, { blob, identity: staged.identity, context: staged.context });
  if (typeof opened === 'string') throw new Error(`Cannot measure: ${opened}`);
  return opened;
};
const [masked, plain] = [await open(staged.masked), await open(staged.plain)];
const threads = openPieceThreads();
const pieces = Math.ceil(updateVectorBytes(layout, codeBits) / PIECE_BYTES);
let threadMillis = 0;
const adder = createUpdateAdder({
  published,
  optimiserStates,
  threads,
  onUnmasked: (millis) => {
    threadMillis += millis;
  },
});
const runs: { unmaskSeconds: number; addSeconds: number; processorSeconds: number }[] = [];
const addOnce = async () => {
  threadMillis = 0;
  const processorBefore = process.cpuUsage();
  const start = performance.now();
  const instructions = instructionsOf();
  const instructed = performance.now();
  const result = await adder.add({
    vectors: [masked.vector, ...Array(survivors - 1).fill(plain.vector)],
    instructions,
    code: { layout, clip: 1, maximumSampleCount: 1, sites: survivors, codeBits },
    server: { kind: 'fedavg', learningRate: 1 },
    startModel,
    optimiserState: null,
  });
  const end = performance.now();
  if (result.kind !== 'moved') throw new Error(`Cannot add: ${result.kind}`);
  const { user, system } = process.cpuUsage(processorBefore);
  runs.push({
    // The threads work on pieces side by side for as long as there are any.
    unmaskSeconds: (instructed - start + threadMillis / Math.min(threads.count, pieces)) / 1000,
    addSeconds: (end - start) / 1000,
    processorSeconds: (user + system) / 1e6,
  });
};
const peakBytes = await peakMemoryOf(addOnce);
if (repeats > 1) {
  // The first one started the threads.
  runs.pop();
  for (let run = 0; run < repeats; run += 1) await addOnce();
}
const heardFrom = performance.now();
hearAll();
const figures: CoordinatorFigures = {
  messageSeconds: (performance.now() - heardFrom) / 1000,
  unmaskSeconds: median(runs.map(({ unmaskSeconds }) => unmaskSeconds)),
  addSeconds: median(runs.map(({ addSeconds }) => addSeconds)),
  addProcessorSeconds: median(runs.map(({ processorSeconds }) => processorSeconds)),
  masks: instructionsOf().length,
  peakBytes,
  inBytes: jsonBytes(coordinator.messages) + survivors * staged.bytes,
  // The sum goes to everybody.
  outBytes: answeredBytes + survivors * (codeBits / 8) * parameters,
};
console.log(`@${JSON.stringify(figures)}`);
await threads.close();
for (const opened of [masked, plain]) await opened[Symbol.asyncDispose]();
process.exit();
