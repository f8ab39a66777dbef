import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

/** The hash of a file of any size, read piece by piece. */
export async function hashFile(file: string, algorithm: 'sha256' | 'sha512'): Promise<Buffer> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest();
}

/**
 * Refuses a downloaded file that is not the one that was pinned.
 *
 * @throws {Error} when its size or its hash is another.
 */
export async function verifyFile(
  file: string,
  { sizeBytes, sha256 }: { readonly sizeBytes: number; readonly sha256: string },
): Promise<void> {
  const refuse = (needed: string, found: string) =>
    new Error(
      `Cannot use the downloaded file ${path.basename(file)}: it must have ${needed}, found ${found}. Nothing of it was used. Download again, or ask who runs the package index why it serves another file.`,
    );
  const { size } = await stat(file);
  if (size !== sizeBytes) throw refuse(`${sizeBytes} bytes`, `${size}`);
  const found = (await hashFile(file, 'sha256')).toString('hex');
  if (found !== sha256) throw refuse(`the SHA-256 ${sha256}`, found);
}
