/** Reads an audit log beside a running coordinator, to check it; nothing is changed. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { logFile } from './audit-folder.ts';
import { checkpointFolder } from './checkpoint-folder.ts';

export interface StoredAudit {
  /** Without line breaks. */
  readonly lines: readonly string[];
  readonly checkpoints: readonly string[];
}

/** Null when there is none in the folder. */
export async function readAuditFolder(folder: string): Promise<StoredAudit | null> {
  if (!existsSync(logFile(folder))) return null;
  // The checkpoints first: a running coordinator writes records before it signs them.
  const checkpoints = await checkpointFolder(folder).notes();
  const text = await readFile(logFile(folder), 'utf8');
  // What follows the last line break is still being written.
  return { lines: text.split('\n').slice(0, -1), checkpoints };
}
