/**
 * Writes the uploads at the end of a recorded session as the coordinator finds them, in a process of its own: one has all
 * masks that the session leaves in the sum, and the other, which stands for all others, has none. So the sum comes out as it
 * should, and a thousand sites need no more room than two.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { maskVector } from '@wardround/client/training/session/mask-vector.ts';
import { closeUnmasking } from '@wardround/protocols/secure-aggregation/coordinator-party.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { generateIdentity, type Identity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import type { Mask } from '@wardround/shared/crypto/mask-generator.ts';
import type { MeasureRequest } from './measured-case.ts';
import type { RecordedSession } from './recorded-session.ts';
import { writeVector } from './vector-file.ts';

export interface Staged {
  readonly identity: Identity;
  readonly context: string;
  /** Names in the folder's `uploads`. */
  readonly masked: Sha256Hex;
  readonly plain: Sha256Hex;
  /** Of each. */
  readonly bytes: number;
}

const request = JSON.parse(process.argv[2] ?? '') as MeasureRequest;
const { session, folder, codeBits } = request;
const { coordinator } = deserialize(await readFile(session)) as RecordedSession;
const closed = closeUnmasking(coordinator);
if (!closed.ok) throw new Error(`Cannot unmask: ${closed.reason}`);
const left = closed.answer.map(({ key, sign }): Mask => ({ key, sign: sign === 1 ? -1 : 1 }));

const outbox = join(folder, 'uploads');
await mkdir(outbox);
const vectorFile = join(folder, 'vector');
await writeVector(vectorFile, request);
const identity = generateIdentity();
const context = 'bench';
const sealing = { recipientSealingKey: publicKeys(identity).sealingKey, context };
const stage = (instructions: readonly Mask[]) =>
  maskVector({ kind: 'mask', vectorFile, codeBits, instructions, sealing, outbox });
const [masked, plain] = [await stage(left), await stage([])];
const staged: Staged = { identity, context, masked: masked.blob.hash, plain: plain.blob.hash, bytes: plain.bytes };
await writeFile(join(folder, 'staged'), serialize(staged));
console.log('@true');
process.exit();
