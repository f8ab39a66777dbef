/** Adds up and unmasks at the end of a recorded session, in a process of its own; answers with one line of JSON. */
import { readFile } from 'node:fs/promises';
import { deserialize } from 'node:v8';
import { CANARY, sumFault } from '@wardround/protocols/secure-aggregation/canary.ts';
import { closeUnmasking } from '@wardround/protocols/secure-aggregation/coordinator-party.ts';
import type { Mask } from '@wardround/shared/crypto/mask-generator.ts';
import { openMaskingThreads } from '@wardround/shared/crypto/mask-in-threads.ts';
import { median } from '../median.ts';
import { peakMemoryOf } from './peak-memory.ts';
import type { RecordedSession } from './recorded-session.ts';
import { stageSession } from './staged-session.ts';

export interface CoordinatorFigures {
  /** Putting the secrets together, taking out the masks and checking the sum: the median. */
  readonly unmaskSeconds: number;
  /** All that the coordinator does with the uploads when they are there, from disk to disk: the median. */
  readonly addSeconds: number;
  readonly masks: number;
  /** While it does that. */
  readonly peakBytes: number;
}

const LARGEST = 2 ** 29;
const [file = '', repeats = '1'] = process.argv.slice(2);
const { coordinator, terms } = deserialize(await readFile(file)) as RecordedSession;
const survivors = coordinator.survivors!.length;
const threads = openMaskingThreads();

function instructionsOf(): readonly Mask[] {
  const closed = closeUnmasking(coordinator);
  if (!closed.ok) throw new Error(`Cannot unmask: ${closed.reason}`);
  return closed.answer;
}

/** The masks that a session leaves in the sum. */
function masksLeft(): readonly Mask[] {
  return instructionsOf().map(({ key, sign }): Mask => ({ key, sign: sign === 1 ? -1 : 1 }));
}

/** A sum of vectors of nothing but canaries, with all masks that a session leaves in it. */
async function maskedSum(): Promise<Int32Array<SharedArrayBuffer>> {
  const sum = new Int32Array(new SharedArrayBuffer(4 * terms.words)).fill(survivors * CANARY);
  await threads.addMasks(sum, masksLeft());
  return sum;
}

async function unmaskSum(sum: Int32Array<SharedArrayBuffer>): Promise<number> {
  const start = performance.now();
  await threads.addMasks(sum, instructionsOf());
  const fault = sumFault(sum, { survivors, largest: LARGEST });
  const seconds = (performance.now() - start) / 1000;
  if (fault !== null) throw new Error(`Cannot unmask: ${fault}`);
  return seconds;
}

const staged = await stageSession({ words: terms.words, survivors, left: masksLeft() });
const addSeconds: number[] = [];
const addOnce = async () => {
  const start = performance.now();
  await staged.add(instructionsOf());
  addSeconds.push((performance.now() - start) / 1000);
};
const peakBytes = await peakMemoryOf(addOnce);
// The first one started the threads.
addSeconds.pop();
for (let run = 0; run < Number(repeats); run += 1) await addOnce();
await staged[Symbol.asyncDispose]();

const unmaskSeconds: number[] = [];
await unmaskSum(await maskedSum());
for (let run = 0; run < Number(repeats); run += 1) unmaskSeconds.push(await unmaskSum(await maskedSum()));
const figures: CoordinatorFigures = {
  unmaskSeconds: median(unmaskSeconds),
  addSeconds: median(addSeconds),
  masks: instructionsOf().length,
  peakBytes,
};
console.log(`@${JSON.stringify(figures)}`);
await threads.close();
process.exit();
