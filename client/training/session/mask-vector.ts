/** Masks a trained vector and seals it for the coordinator; the vector's own file stays as it is. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CANARY, CANARY_WORDS } from '@wardround/protocols/secure-aggregation/canary.ts';
import { applyMasks } from '@wardround/protocols/secure-aggregation/mask-instructions.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { int32FromBytes, littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { seal } from '@wardround/shared/crypto/sealed-envelope.ts';
import { writeFileAtomically } from '../../state/atomic-file.ts';
import type { Masked, MaskTask } from '../worker-messages.ts';

export async function maskVector({ vectorFile, instructions, sealing, outbox }: MaskTask): Promise<Masked> {
  const bytes = await readFile(vectorFile);
  const vector = new Int32Array(bytes.length / 4 + CANARY_WORDS).fill(CANARY);
  vector.set(int32FromBytes(bytes));
  bytes.fill(0);
  applyMasks(vector, instructions);
  const masked = littleEndianBytes(vector);
  const sealed = seal(masked, sealing);
  const hash = sha256Hex(sealed);
  await mkdir(outbox, { recursive: true, mode: 0o700 });
  const file = join(outbox, hash);
  await writeFileAtomically(file, sealed);
  return { blob: { hash, file }, bytes: sealed.length, maskedInput: sha256Hex(masked) };
}
