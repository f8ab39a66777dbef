/** Options that several commands share. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DEFAULT_SITE_FOLDER } from '../state/site-folder.ts';
import { UsageError } from './exit-codes.ts';

export const stateOption = {
  type: 'string',
  description: 'The site’s own folder: keys, approvals, caches',
  default: DEFAULT_SITE_FOLDER,
  valueHint: 'DIR',
} as const;

/** @throws {UsageError} when the folder is not there; the path itself may name a patient and is not repeated. */
export async function requireFolder(path: string, option: string): Promise<string> {
  if (path === '') throw new UsageError(`Cannot use ${option}: a folder is needed, found nothing after the option.`);
  const folder = resolve(path);
  const found = await stat(folder).catch(() => null);
  if (found?.isDirectory()) return folder;
  throw new UsageError(
    `Cannot use ${option}: a folder is needed, found ${found === null ? 'nothing there' : 'a file'}. Check the path.`,
  );
}

/** @throws {UsageError} when the text is not a whole number from 1 to 1024. */
export function requireCount(text: string, option: string): number {
  const count = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= 1024) return count;
  throw new UsageError(`Cannot use ${option}: a whole number from 1 to 1024 is needed.`);
}
