/**
 * Loads TensorFlow's native library through `@tensorflow/tfjs-node-gpu`: the package as npm installed it, or what
 * `npm run engine -- install` put into the cache.
 */
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { installedEngine } from './install/installed-engine.ts';
import { loadInstalledLibrary } from './load-installed-library.ts';

export interface NativeLibrary {
  readonly usesGpu: boolean;
  readonly version: string;
  /** Other threads of this program can open it too, each with as many threads of TensorFlow's as it asks for. */
  readonly opensInThreads: boolean;
}

/** Loads the package's module so that this thread computes in so many threads of TensorFlow's, where the package can. */
export type LoadNativePackage = (options: { readonly threads: number }) => Promise<unknown>;

/** Resolves to the library, or to the sentence that says why it cannot be used. */
export async function openNativeLibrary(
  load: LoadNativePackage,
  options: { readonly threads: number },
): Promise<NativeLibrary | string> {
  // Twice as fast on current CPUs; TensorFlow reads it once, when the library is loaded.
  process.env['TF_ENABLE_ONEDNN_OPTS'] ??= '1';
  // Warnings and notices off, errors on.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  restoreRemovedNodeFunctions();
  let module: NativeModule;
  try {
    module = (await load(options)) as NativeModule;
  } catch (error) {
    return errorCode(error) === 'ERR_MODULE_NOT_FOUND'
      ? 'The package @tensorflow/tfjs-node-gpu is not installed.'
      : `The package @tensorflow/tfjs-node-gpu is installed but did not load (${errorCode(error)}).`;
  }
  try {
    const backend = tf.findBackend('tensorflow') as { isUsingGpuDevice?: boolean } | null;
    if (backend === null) return 'The package @tensorflow/tfjs-node-gpu loaded but brought no tensor backend.';
    return {
      usesGpu: backend.isUsingGpuDevice === true,
      version: versionOf(module),
      opensInThreads: module.opensInThreads === true,
    };
  } catch (error) {
    return `The package @tensorflow/tfjs-node-gpu loaded but did not start (${errorCode(error)}).`;
  }
}

// Typed as any string, so that the type checker does not ask for a package that is optional.
const nativePackage: string = '@tensorflow/tfjs-node-gpu';

/** The package's module if it loads, or else the installed library: the one with CUDA if there is one. */
export async function loadNativePackage(options: { readonly threads: number }): Promise<unknown> {
  try {
    return await import(nativePackage);
  } catch (error) {
    const installed = installedEngine('cuda') ?? installedEngine('native');
    if (installed === null) throw error;
    return loadInstalledLibrary(installed, options);
  }
}

/** What is read of the package's module, which may be a CommonJS one. */
interface NativeModule {
  /** Said by the installed library alone. */
  readonly opensInThreads?: boolean;
  readonly version?: { readonly 'tfjs-node'?: string };
  readonly default?: NativeModule;
}

function versionOf(module: NativeModule): string {
  const found = module.version ?? module.default?.version;
  return found?.['tfjs-node'] ?? 'of unknown version';
}

/** The stable part of an error: messages of loaders hold file paths. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** tfjs-node 4.22 still calls two functions that Node 23 removed. */
function restoreRemovedNodeFunctions(): void {
  const functions = util as unknown as Record<string, unknown>;
  functions['isNullOrUndefined'] ??= (value: unknown): boolean => value === null || value === undefined;
  // Where Node still has it, it warns once in each thread.
  functions['isArray'] = Array.isArray;
}
