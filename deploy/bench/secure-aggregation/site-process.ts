/** Takes one site's part in a recorded session, in a process of its own; answers with one line of JSON (line-process.ts). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
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
import { peakMemoryOf } from './peak-memory.ts';
import type { RecordedSession } from './recorded-session.ts';

export interface SiteFigures {
  /** Medians. */
  readonly messageSeconds: number;
  /** Deriving the keys, reading the vector, masking it, and the hash that is signed. */
  readonly maskSeconds: number;
  /** Reading the vector, masking it, sealing it and writing it to the disk: once, with the start of the threads. */
  readonly firstSeconds: number;
  readonly masks: number;
  readonly peakBytes: number;
  readonly upBytes: number;
  readonly downBytes: number;
}

const [file = '', repeats = '1'] = process.argv.slice(2);
const recorded = deserialize(await readFile(file)) as RecordedSession;
const { terms, broadcast, delivery, announced, proof } = recorded;
const { site } = recorded.context;
const folder = mkdtempSync(join(tmpdir(), 'wardround-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
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
  const start = performance.now();
  const instructions = maskInstructions(accepted.state);
  const maskedInput = await mask(instructions);
  const maskSeconds = (performance.now() - start) / 1000;
  const input = { maskedInput: maskedInput as never, context };
  const masked = timed(() => must(submitMaskedInput(accepted.state, input)));
  const confirmed = timed(() => must(confirmSurvivors(masked.state, { announced, context })));
  const revealed = timed(() => must(unmask(confirmed.state, { proof, context })));
  for (const { message } of [advertised, shared, masked, confirmed, revealed]) said.push(message);
  return { messageSeconds, maskSeconds, masks: instructions.length, said };
}

const lengthOf = (documents: readonly unknown[]) =>
  documents.reduce<number>((sum, document) => sum + Buffer.byteLength(JSON.stringify(document)), 0);

const parameters = terms.words - 1;
writeFileSync(vectorFile, new Uint8Array(4 * parameters));
const { sealingKey } = publicKeys(generateIdentity());
const sealing = { recipientSealingKey: sealingKey, context: 'bench' };
const outbox = join(folder, 'outbox');
let firstSeconds = 0;
let sealedBytes = 0;
const peakBytes = await peakMemoryOf(() =>
  takePart(async (instructions) => {
    const start = performance.now();
    const masked = await maskVector({ kind: 'mask', vectorFile, instructions, sealing, outbox });
    firstSeconds = (performance.now() - start) / 1000;
    sealedBytes = masked.bytes;
    return masked.maskedInput;
  }),
);

const threads = openMaskingThreads();
const runs = [];
for (let run = 0; run <= Number(repeats); run += 1) {
  runs.push(await takePart((instructions) => maskAndHash(vectorFile, { instructions, threads })));
}
// The first one started the threads and was compiled meanwhile.
const timed = runs.slice(1);
const figures: SiteFigures = {
  messageSeconds: median(timed.map(({ messageSeconds }) => messageSeconds)),
  maskSeconds: median(timed.map(({ maskSeconds }) => maskSeconds)),
  firstSeconds,
  masks: runs[0]!.masks,
  peakBytes,
  upBytes: lengthOf(runs[0]!.said) + sealedBytes,
  downBytes: lengthOf([broadcast, delivery, announced, proof]) + 4 * parameters,
};
console.log(`@${JSON.stringify(figures)}`);
await threads.close();
process.exit();
