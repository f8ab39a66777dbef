/** Takes one site's part in a recorded session, in a process of its own; answers with one line of JSON (line-process.ts). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize } from 'node:v8';
import { maskAndHash, maskVector } from '@wardround/client/training/session/mask-vector.ts';
import { maskInstructions } from '@wardround/protocols/secure-aggregation/mask-instructions.ts';
import type { Kind } from '@wardround/protocols/secure-aggregation/messages.ts';
import { knownRandomBytes } from '@wardround/protocols/secure-aggregation/simulated-session.ts';
import {
  acceptShares,
  advertise,
  confirmSurvivors,
  type SiteStep,
  shareKeys,
  submitMaskedInput,
  unmask,
} from '@wardround/protocols/secure-aggregation/site-party.ts';
import type { SiteState } from '@wardround/protocols/secure-aggregation/site-state.ts';
import { generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { openMaskingThreads } from '@wardround/shared/crypto/mask-in-threads.ts';
import { median } from '../median.ts';
import type { MeasureRequest } from './measured-case.ts';
import { peakMemoryOf } from './peak-memory.ts';
import { jsonBytes, type RecordedSession } from './recorded-session.ts';
import { writeVector } from './vector-file.ts';

export interface SiteFigures {
  /** Medians. */
  readonly messageSeconds: number;
  /** Deriving the keys, reading the vector, masking it, and the hash that is signed. */
  readonly maskSeconds: number;
  /** Of all threads, for the same. */
  readonly maskProcessorSeconds: number;
  /** Reading the vector, masking it, sealing it and writing it to the disk: once, with the start of the threads. */
  readonly firstSeconds: number;
  readonly masks: number;
  readonly peakBytes: number;
  readonly upBytes: number;
  readonly downBytes: number;
}

const request = JSON.parse(process.argv[2] ?? '') as MeasureRequest;
const { session, folder, parameters, codeBits, repeats } = request;
const recorded = deserialize(await readFile(session)) as RecordedSession;
const { terms, broadcast, delivery, announced, proof } = recorded;
const { site } = recorded.context;
const vectorFile = join(folder, 'vector');

function must<State extends SiteState, Said extends Kind>(step: SiteStep<State, Said>) {
  if (!step.ok) throw new Error(`Cannot take the site's part: ${step.reason}`);
  return step;
}

/** @param mask gives the SHA-256 of the masked vector. */
async function takePart(mask: (instructions: ReturnType<typeof maskInstructions>) => Promise<string>) {
  const context = { ...recorded.context, randomBytes: knownRandomBytes(`consortium ${site} random`) };
  let messageSeconds = 0;
  const timed = <Result>(step: () => Result): Result => {
    const start = performance.now();
    const result = step();
    messageSeconds += (performance.now() - start) / 1000;
    return result;
  };
  const said = [];
  const advertised = timed(() => must(advertise(null, { terms, context })));
  const shared = timed(() => must(shareKeys(advertised.state, { broadcast, context })));
  const accepted = timed(() => acceptShares(shared.state, { delivery, context }));
  if (!accepted.ok) throw new Error(`Cannot take the site's part: ${accepted.reason}`);
  const processorBefore = process.cpuUsage();
  const start = performance.now();
  const instructions = maskInstructions(accepted.state);
  const maskedInput = await mask(instructions);
  const maskSeconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(processorBefore);
  const processorSeconds = (user + system) / 1e6;
  const input = { maskedInput: maskedInput as never, context };
  const masked = timed(() => must(submitMaskedInput(accepted.state, input)));
  const confirmed = timed(() => must(confirmSurvivors(masked.state, { announced, context })));
  const revealed = timed(() => must(unmask(confirmed.state, { proof, context })));
  for (const { message } of [advertised, shared, masked, confirmed, revealed]) said.push(message);
  return { messageSeconds, maskSeconds, processorSeconds, masks: instructions.length, said };
}

await writeVector(vectorFile, request);
const { sealingKey } = publicKeys(generateIdentity());
const sealing = { recipientSealingKey: sealingKey, context: 'bench' };
const outbox = join(folder, 'outbox');
let firstSeconds = 0;
let sealedBytes = 0;
const peakBytes = await peakMemoryOf(() =>
  takePart(async (instructions) => {
    const start = performance.now();
    const masked = await maskVector({ kind: 'mask', vectorFile, codeBits, instructions, sealing, outbox });
    firstSeconds = (performance.now() - start) / 1000;
    sealedBytes = masked.bytes;
    return masked.maskedInput;
  }),
);

const threads = openMaskingThreads();
const runs = [];
for (let run = 0; run <= repeats; run += 1) {
  runs.push(await takePart((instructions) => maskAndHash(vectorFile, { codeBits, instructions, threads })));
}
// The first one started the threads and was compiled meanwhile.
const timed = runs.slice(1);
const figures: SiteFigures = {
  messageSeconds: median(timed.map(({ messageSeconds }) => messageSeconds)),
  maskSeconds: median(timed.map(({ maskSeconds }) => maskSeconds)),
  maskProcessorSeconds: median(timed.map(({ processorSeconds }) => processorSeconds)),
  firstSeconds,
  masks: runs[0]!.masks,
  peakBytes,
  upBytes: jsonBytes(runs[0]!.said) + sealedBytes,
  downBytes: jsonBytes([broadcast, delivery, announced, proof]) + (codeBits / 8) * parameters,
};
console.log(`@${JSON.stringify(figures)}`);
await threads.close();
process.exit();
