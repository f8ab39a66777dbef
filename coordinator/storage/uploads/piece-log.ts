/**
 * The pieces of an upload that are on the disk, one line each behind a line that says what is to come. A line is written
 * when its piece's bytes are durable; a torn last line is a piece that was not acknowledged.
 */
import { open, rename } from 'node:fs/promises';
import { Sha256 } from '@wardround/protocols/names.ts';
import { UploadAnnouncement } from '@wardround/protocols/transfer/resumable-upload.ts';
import { z } from 'zod';

const LoggedPiece = z.strictObject({
  offset: z.int().min(0),
  bytes: z.int().min(1),
  sha256: Sha256,
  /** When it was written. */
  atMillis: z.number(),
});
export type LoggedPiece = z.infer<typeof LoggedPiece>;

const Beginning = z.strictObject({ announcement: UploadAnnouncement, atMillis: z.number() });
export type Beginning = z.infer<typeof Beginning>;

export interface PieceLog {
  /** Resolves when the pieces are on the disk. */
  append(pieces: readonly LoggedPiece[]): Promise<void>;
  close(): Promise<void>;
}

/** Begins a log, or replaces it by one with these pieces alone. The folder that holds it is the caller's to make durable. */
export async function writePieceLog(
  path: string,
  { beginning, pieces }: { readonly beginning: Beginning; readonly pieces: readonly LoggedPiece[] },
): Promise<PieceLog> {
  // Whole under another name first: an acknowledged piece must not be lost while its log is replaced.
  const part = `${path}.part`;
  const file = await open(part, 'w', 0o600);
  const append = async (entries: readonly object[]): Promise<void> => {
    await file.appendFile(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    await file.datasync();
  };
  try {
    await append([beginning, ...pieces]);
    await rename(part, path);
  } catch (error) {
    await file.close();
    throw error;
  }
  return { append, close: () => file.close() };
}

/** What a log says, or null when there is none or its beginning was not written to the end. */
export async function readPieceLog(
  path: string,
): Promise<{ readonly beginning: Beginning; readonly pieces: readonly LoggedPiece[] } | null> {
  const file = await open(path).catch(ifMissing);
  if (file === null) return null;
  const text = await file.readFile('utf8').finally(() => file.close());
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  const beginning = Beginning.safeParse(parse(lines[0]));
  if (!beginning.success) return null;
  const pieces: LoggedPiece[] = [];
  for (const line of lines.slice(1)) {
    const piece = LoggedPiece.safeParse(parse(line));
    if (!piece.success) break;
    pieces.push(piece.data);
  }
  return { beginning: beginning.data, pieces };
}

function parse(line: string | undefined): unknown {
  try {
    return JSON.parse(line ?? '');
  } catch {
    return undefined;
  }
}

function ifMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
