/** Small JSON files in the site's folder, each with its schema: missing is an answer, damaged is an error that says what to do. */
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { z } from 'zod';
import { writeFileAtomically } from './atomic-file.ts';

/** A file in the site's folder that cannot be what this program wrote there. */
export class DamagedStateError extends Error {
  override readonly name = 'DamagedStateError';
}

export interface StateFile<Value> {
  /** The file's name inside the site's folder, with `/` between folders. */
  readonly name: string;
  readonly schema: z.ZodType<Value>;
  /** What to do when the file is damaged, as a full sentence. */
  readonly remedy: string;
}

/**
 * The file's value, or null when there is no such file.
 *
 * @throws {DamagedStateError} when the file is not JSON or does not satisfy its schema. The message names the file, never its content.
 */
export async function readStateFile<Value>(folder: string, file: StateFile<Value>): Promise<Value | null> {
  let text: string;
  try {
    text = await readFile(join(folder, file.name), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new DamagedStateError(
      `Cannot read ${file.name} in the site's folder (${(error as NodeJS.ErrnoException).code ?? 'unknown cause'}). ${file.remedy}`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new DamagedStateError(
      `Cannot use ${file.name} in the site's folder: it must be JSON and is not. ${file.remedy}`,
    );
  }
  const parsed = file.schema.safeParse(json);
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.map(String).join('.') || 'its top level';
    throw new DamagedStateError(
      `Cannot use ${file.name} in the site's folder: unexpected content at ${where}. ${file.remedy}`,
    );
  }
  return parsed.data;
}

export async function writeStateFile<Value>(folder: string, file: StateFile<Value>, value: Value): Promise<void> {
  const path = join(folder, file.name);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileAtomically(path, `${JSON.stringify(file.schema.parse(value), null, 2)}\n`);
}
