/**
 * Loads the TensorFlow that `npm run engine -- install` put into the cache.
 *
 * tfjs-node's own entry would bring the whole of `@tensorflow/tfjs`, a hundred megabytes, for layers and converters that
 * nothing here uses. Its backend and kernels need the core alone, and get the project's own, so that there is one.
 */
import { createRequire, Module } from 'node:module';
import path from 'node:path';
import type { InstalledEngine } from './install/installed-engine.ts';

/** What the backend and the kernels ask for, in place of which they get the project's tensor library. */
export const coreNames = ['@tensorflow/tfjs', '@tensorflow/tfjs-core'] as const;
const bindingPackage = '@tensorflow/tfjs-node-gpu';

/**
 * Registers the backend `tensorflow` for this thread, with so many threads of TensorFlow's. Gives what tfjs-node's own
 * entry would say of versions, and whether other threads of this program can load it beside this one.
 */
export function loadInstalledLibrary(
  { folder, binding, source, tensorFlowVersion }: InstalledEngine,
  { threads }: { readonly threads: number },
): { version: { 'tfjs-node': string }; opensInThreads: boolean } {
  const requireHere = createRequire(import.meta.url);
  const requireThere = createRequire(path.join(folder, 'package.json'));
  const core = requireHere('@tensorflow/tfjs-core') as typeof import('@tensorflow/tfjs-core');
  for (const name of coreNames) {
    const file = requireThere.resolve(name);
    requireThere.cache[file] = Object.assign(new Module(file), { exports: core, loaded: true });
  }
  requireThere(`${bindingPackage}/dist/register_all_kernels.js`);
  const { NodeJSKernelBackend } = requireThere(`${bindingPackage}/dist/nodejs_kernel_backend.js`) as {
    NodeJSKernelBackend: new (binding: unknown, packageName: string) => import('@tensorflow/tfjs-core').KernelBackend;
  };
  const addon = requireThere(path.join(folder, binding)) as { open(threads: number): unknown };
  const opensInThreads = source === 'wheel';
  const open = () => (opensInThreads ? addon.open(threads) : addon);
  core.registerBackend('tensorflow', () => new NodeJSKernelBackend(open(), bindingPackage));
  const { version } = requireThere(`${bindingPackage}/package.json`) as { version: string };
  return { version: { 'tfjs-node': `${version} with TensorFlow ${tensorFlowVersion}` }, opensInThreads };
}
