/** What lies where in a site's folder: `ct/` with anything below it, `clinical.csv` and `expression.tsv` or `.csv`. */
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Quarantine } from './quarantine/quarantine.ts';

export interface ImageFile {
  readonly path: string;
  /** Below `ct/`, with forward slashes. */
  readonly relativePath: string;
  /** The folder directly below `ct/` that holds it: by custom the patient's. null for a file right in `ct/`. */
  readonly folder: string | null;
}

export interface SiteFiles {
  /** Sorted by path; null when there is no `ct` folder. */
  readonly images: readonly ImageFile[] | null;
  readonly clinical: string | null;
  readonly expression: string | null;
}

const DEEPEST_FOLDER = 32;
const CLINICAL_NAMES = ['clinical.csv', 'clinical.tsv'];
const EXPRESSION_NAMES = ['expression.tsv', 'expression.csv'];

function byName(a: Dirent, b: Dirent): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

interface Walk {
  readonly files: ImageFile[];
  /** Folders on the way, so that links in a circle end. */
  readonly visited: Set<string>;
  readonly quarantine: Quarantine;
  readonly signal: AbortSignal | undefined;
}

async function walk(folder: string, { inside, state }: { inside: readonly string[]; state: Walk }): Promise<void> {
  state.signal?.throwIfAborted();
  let entries: Dirent[];
  try {
    const real = await realpath(folder);
    if (state.visited.has(real)) return;
    state.visited.add(real);
    if (inside.length > DEEPEST_FOLDER) throw new RangeError('too deep');
    entries = (await readdir(folder, { withFileTypes: true })).sort(byName);
  } catch {
    state.quarantine.add('folder-unreadable');
    return;
  }
  for (const entry of entries) {
    const path = join(folder, entry.name);
    // A link counts as what it points to. Opening a pipe or a device could wait for ever.
    const target = entry.isSymbolicLink() ? await stat(path).catch(() => null) : entry;
    if (target?.isDirectory()) await walk(path, { inside: [...inside, entry.name], state });
    else if (!target?.isFile()) state.quarantine.add('file-unreadable');
    else {
      const relativePath = [...inside, entry.name].join('/');
      state.files.push({ path, relativePath, folder: inside[0] ?? null });
    }
  }
}

/**
 * Finds a site's files. Names are compared without regard to case.
 *
 * @throws {Error} when the folder cannot be opened. The message does not repeat its path.
 */
export async function findSiteFiles(
  directory: string,
  { quarantine, signal }: { quarantine: Quarantine; signal?: AbortSignal | undefined },
): Promise<SiteFiles> {
  let names: string[];
  try {
    names = (await readdir(directory)).sort();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new Error(
      `Cannot read the data: the site's folder cannot be opened (${code}). Give a folder that holds ct/, and clinical.csv and expression.tsv where there are any.`,
    );
  }
  const find = (wanted: readonly string[]) => {
    for (const name of wanted) {
      const found = names.find((candidate) => candidate.toLowerCase() === name);
      if (found !== undefined) return join(directory, found);
    }
    return null;
  };
  const images = find(['ct']);
  const state: Walk = { files: [], visited: new Set(), quarantine, signal };
  if (images !== null) await walk(images, { inside: [], state });
  return {
    images: images === null ? null : state.files,
    clinical: find(CLINICAL_NAMES),
    expression: find(EXPRESSION_NAMES),
  };
}
