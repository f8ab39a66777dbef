/** A vector as training leaves it: one sample, and no change. */
import { open } from 'node:fs/promises';
import { sampleCountWords, writeSampleCounts } from '@wardround/protocols/transfer/sample-counts.ts';
import { updateVectorBytes } from '@wardround/protocols/transfer/update-code.ts';
import { type CodeBits, createCodeWords } from '@wardround/shared/bytes/code-words.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { layoutOf } from './measured-case.ts';

const PIECE_BYTES = 1 << 20;

export async function writeVector(
  path: string,
  { parameters, codeBits }: { readonly parameters: number; readonly codeBits: CodeBits },
): Promise<void> {
  await using file = await open(path, 'w');
  const bytes = updateVectorBytes(layoutOf(parameters), codeBits);
  // Written in full: a file with holes is read faster than any vector.
  const zeros = new Uint8Array(PIECE_BYTES);
  for (let done = 0; done < bytes; done += zeros.length) await file.write(zeros.subarray(0, bytes - done));
  const head = createCodeWords(sampleCountWords(1, codeBits), codeBits);
  writeSampleCounts([1], head);
  await file.write(littleEndianBytes(head), 0, head.byteLength, 0);
}
