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
