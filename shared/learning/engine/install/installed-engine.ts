/** Where an installed TensorFlow lies, and what was put there. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** `native` computes on the CPU; `cuda` brings NVIDIA's libraries and computes on the GPU where it finds one. */
export type InstallableEngine = 'native' | 'cuda';

export interface InstalledEngine {
  readonly kind: InstallableEngine;
  /** Holds what `loadInstalledLibrary` loads. */
  readonly folder: string;
  readonly tensorFlowVersion: string;
  /** `prebuilt` files of the package itself, or built from the `wheel` of a newer TensorFlow. */
  readonly source: 'prebuilt' | 'wheel';
  /** The addon's path in the folder. */
  readonly binding: string;
}

/** Written last, so that a folder with a manifest is whole. */
export interface InstallManifest extends Omit<InstalledEngine, 'folder'> {
  /** See recipe.ts. */
  readonly recipe: string;
  readonly files: readonly { readonly name: string; readonly sizeBytes: number; readonly sha256: string }[];
}

export const manifestName = 'manifest.json';

/** The folder of that engine in the project's cache, or in the one that WARDROUND_CACHE names. */
export function engineFolder(kind: InstallableEngine): string {
  const cache = process.env['WARDROUND_CACHE'] || fileURLToPath(new URL('../../../../.cache', import.meta.url));
  return path.join(path.resolve(cache), 'engines', kind);
}

/** The engine, if it is installed with all its files at their sizes; their contents are not read. */
export function installedEngine(kind: InstallableEngine): InstalledEngine | null {
  const folder = engineFolder(kind);
  const manifest = readManifest(folder);
  if (manifest === null || !manifest.files.every(({ name, sizeBytes }) => sizeOf(folder, name) === sizeBytes)) {
    return null;
  }
  const { tensorFlowVersion, source, binding } = manifest;
  return { kind, folder, tensorFlowVersion, source, binding };
}

export function readManifest(folder: string): InstallManifest | null {
  try {
    return JSON.parse(readFileSync(path.join(folder, manifestName), 'utf8')) as InstallManifest;
  } catch {
    return null;
  }
}

function sizeOf(folder: string, name: string): number | undefined {
  return statSync(path.join(folder, name), { throwIfNoEntry: false })?.size;
}
