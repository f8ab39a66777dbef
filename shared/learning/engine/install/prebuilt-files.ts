/** The binding and the TensorFlow that the package's own install script downloads: older than the wheels, and often out of reach. */
import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { InstallableEngine } from './installed-engine.ts';
import { bindingPackage, fetchNpmPackage } from './npm-packages.ts';
import { runTool } from './run-tool.ts';

export const prebuiltTensorFlowVersion = '2.9.1';
export const prebuiltBinding = `node_modules/${bindingPackage.name}/lib/napi-v8/tfjs_binding.node`;

/** What the script needs of npm, at the versions that the package asks for. */
const scriptDependencies = {
  '@mapbox/node-pre-gyp': '1.0.9',
  'adm-zip': '0.5.16',
  'https-proxy-agent': '2.2.4',
  progress: '2.0.3',
  rimraf: '2.7.1',
  tar: '6.2.1',
};

/**
 * Runs the package's script in `folder`. Resolves to null, or to why there are no such files: a sentence for people, and no
 * reason to give up.
 */
export async function fetchPrebuiltFiles(
  kind: InstallableEngine,
  { folder, signal }: { readonly folder: string; readonly signal?: AbortSignal | undefined },
): Promise<string | null> {
  if (!(await hostAnswers(signal))) return 'the host that serves them does not answer';
  await fetchNpmPackage(bindingPackage, { folder, signal });
  await writeFile(
    path.join(folder, 'package.json'),
    JSON.stringify({ private: true, dependencies: scriptDependencies }),
  );
  const install = ['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'] as const;
  const installed = await runTool([...install], { timeoutMillis: 5 * 60 * 1000, signal, folder });
  if (!installed.ok) return `npm ${installed.problem}`;
  const script = await runTool([process.execPath, 'scripts/install.js', kind === 'cuda' ? 'gpu' : 'cpu', 'download'], {
    timeoutMillis: 20 * 60 * 1000,
    signal,
    folder: path.join(folder, 'node_modules', bindingPackage.name),
    environment: { ...process.env, PATH: `${path.join(folder, 'node_modules/.bin')}:${process.env['PATH']}` },
  });
  if (!script.ok) return `the package's install script ${script.problem}`;
  // The script ends well even when its download was refused.
  const there = await stat(path.join(folder, prebuiltBinding)).catch(() => null);
  return there === null ? "the package's install script brought none" : null;
}

/** A refusal by a firewall can take minutes to show in the script itself. */
async function hostAnswers(signal: AbortSignal | undefined): Promise<boolean> {
  const { env } = process;
  const host = env['TFJS_NODE_CDN_STORAGE'] || env['CDN_STORAGE'] || 'https://storage.googleapis.com/';
  const limit = AbortSignal.timeout(8000);
  try {
    await fetch(host, { method: 'HEAD', signal: signal ? AbortSignal.any([signal, limit]) : limit });
    return true;
  } catch {
    signal?.throwIfAborted();
    return false;
  }
}
