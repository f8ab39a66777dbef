/** The audit log in a folder of one coordinator: a file of lines, and its checkpoints beside it. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type AppendFile, openAppendFile } from '@wardround/shared/files/append-file.ts';
import type { AuditStore } from './audit-store.ts';
import { openCheckpointFolder } from './checkpoint-folder.ts';

export function logFile(folder: string): string {
  return path.join(folder, 'log.jsonl');
}

export async function openAuditFolder(
  folder: string,
  { openFile = openAppendFile }: { readonly openFile?: (file: string) => Promise<AppendFile> } = {},
): Promise<AuditStore> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const checkpoints = await openCheckpointFolder(folder);
  const file = await openFile(logFile(folder));
  const text = await file.read();
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  let length = Buffer.byteLength(whole);
  let isTorn = whole.length < text.length;
  let found: readonly string[] | null = whole.split('\n').slice(0, -1);
  return {
    isShared: false,
    place: 'the folder audit of the state folder',
    /** What was there when it was opened: nobody else writes. */
    async read(from) {
      const lines = found?.slice(from) ?? [];
      found = null;
      return lines;
    },
    async append(lines) {
      if (isTorn) await file.cut(length);
      isTorn = true;
      const block = lines.map((line) => `${line}\n`).join('');
      if (block !== '') await file.append(block);
      isTorn = false;
      length += Buffer.byteLength(block);
    },
    checkpoints: {
      ...checkpoints,
      async add(size, note) {
        await checkpoints.put(size, note);
        return note;
      },
      async sign(size, line) {
        const note = `${await checkpoints.get(size)}${line}\n`;
        await checkpoints.put(size, note);
        return note;
      },
    },
    close: () => file.close(),
  };
}
