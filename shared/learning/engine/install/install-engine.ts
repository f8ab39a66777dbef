/**
 * Makes a current TensorFlow work under tfjs-node, inside the project's cache folder and nowhere else. Needs what Linux
 * machines of developers have (npm, Python with pip, a C++ compiler) and the network; nothing else depends on it.
 */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { coreNames } from '../load-installed-library.ts';
import { bindingFile, compileBinding } from './compile-binding.ts';
import { downloadWheel, megabytes } from './download-wheel.ts';
import {
  engineFolder,
  type InstallableEngine,
  type InstalledEngine,
  type InstallManifest,
  installedEngine,
  manifestName,
  readManifest,
} from './installed-engine.ts';
import { changedFile, listFiles } from './manifest-files.ts';
import { fetchNpmPackage, npmPackages } from './npm-packages.ts';
import { fetchPrebuiltFiles, prebuiltBinding, prebuiltTensorFlowVersion } from './prebuilt-files.ts';
import { recipe } from './recipe.ts';
import { requireTools } from './require-tools.ts';
import { runTool } from './run-tool.ts';
import { tensorFlowWheels, wheelTensorFlowVersion } from './tensorflow-wheels.ts';
import { unpackWheel } from './unpack-wheel.ts';

export interface InstallOptions {
  /** Called with one line for people at each step. */
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
}

interface Work extends InstallOptions {
  readonly kind: InstallableEngine;
  /** Becomes the engine's folder when all is done. */
  readonly folder: string;
}

/**
 * Installs an engine, or finds it installed and unchanged.
 *
 * @throws {Error} on another platform, without one of the tools, without the network, or when a download is not the pinned
 *   file; nothing is then left behind.
 */
export async function installEngine(kind: InstallableEngine, options: InstallOptions): Promise<InstalledEngine> {
  refuseOtherPlatforms(kind, process);
  const { onProgress, signal } = options;
  const present = installedEngine(kind);
  if (present !== null) {
    const changed = await changedFile(present.folder);
    const outdated = readManifest(present.folder)?.recipe !== recipe();
    if (changed === null && !outdated) {
      onProgress(
        `TensorFlow ${present.tensorFlowVersion} (${kind}) is installed already, and its files are unchanged.`,
      );
      return present;
    }
    onProgress(
      `${changed === null ? 'What is installed is of another version' : `The installed file ${changed} has changed`}; installing again.`,
    );
  }
  const target = engineFolder(kind);
  await removeUnfinished(target);
  const folder = `${target}.unfinished-${process.pid}`;
  await mkdir(folder, { recursive: true });
  try {
    if (!(await installPrebuilt({ ...options, kind, folder }))) await installFromWheels({ ...options, kind, folder });
    signal?.throwIfAborted();
    await rm(target, { recursive: true, force: true });
    await rename(folder, target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const installed = installedEngine(kind);
  if (installed === null)
    throw new Error('Cannot install TensorFlow: its files went away again. Run the installation again.');
  return installed;
}

/** What installations left that were killed. */
async function removeUnfinished(target: string): Promise<void> {
  const parent = path.dirname(target);
  const prefix = `${path.basename(target)}.unfinished-`;
  for (const name of await readdir(parent).catch(() => [])) {
    if (!name.startsWith(prefix) || isRunning(Number(name.slice(prefix.length)))) continue;
    await rm(path.join(parent, name), { recursive: true, force: true });
  }
}

function isRunning(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}

/** @throws {Error} elsewhere than on Linux x64, for which the pinned wheels are. */
export function refuseOtherPlatforms(
  kind: InstallableEngine,
  { platform, arch }: { platform: string; arch: string },
): void {
  if (platform === 'linux' && arch === 'x64') return;
  throw new Error(
    `Cannot install the ${kind} engine: its libraries are pinned for Linux on x64, found ${platform} on ${arch}. Install @tensorflow/tfjs-node-gpu with npm if it has files for this platform, or use another engine.`,
  );
}

async function installPrebuilt(work: Work): Promise<boolean> {
  const { kind, folder, signal, onProgress } = work;
  onProgress("Trying the package's own prebuilt files.");
  const problem = await fetchPrebuiltFiles(kind, { folder, signal })
    .then(async (reason) => reason ?? (await finish(work, { prebuilt: true })))
    .catch((error: Error) => {
      signal?.throwIfAborted();
      return error.message;
    });
  if (problem === null) return true;
  onProgress(`No prebuilt files: ${problem}. Going on with the Python wheel of TensorFlow ${wheelTensorFlowVersion}.`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  return false;
}

async function installFromWheels(work: Work): Promise<void> {
  const { kind, folder, signal, onProgress } = work;
  const compiler = await requireTools(signal);
  const wheels = tensorFlowWheels[kind];
  for (const [index, wheel] of wheels.entries()) {
    onProgress(`Downloading ${wheel.file} (${megabytes(wheel)} MB, ${index + 1} of ${wheels.length}).`);
    const file = await downloadWheel(wheel, { folder, signal });
    await unpackWheel(file, { folder, signal });
    await rm(file);
  }
  onProgress('Fetching the binding from npm.');
  for (const npmPackage of npmPackages) await fetchNpmPackage(npmPackage, { folder, signal });
  onProgress(`Compiling the binding with ${compiler}.`);
  await compileBinding(folder, { compiler, signal });
  await rm(path.join(folder, 'tensorflow/include'), { recursive: true });
  const problem = await finish(work, { prebuilt: false });
  if (problem !== null)
    throw new Error(`Cannot install TensorFlow: ${problem}. Report this with the machine's processor and system.`);
}

/** Writes what the loader needs besides, and tries the whole in a process of its own. Resolves to what is wrong, or null. */
async function finish(
  { kind, folder, signal, onProgress }: Work,
  { prebuilt }: { prebuilt: boolean },
): Promise<string | null> {
  if (prebuilt) await fetchNpmPackage(npmPackages.find(({ name }) => name === 'google-protobuf')!, { folder, signal });
  for (const name of coreNames) {
    const core = path.join(folder, 'node_modules', name);
    await rm(core, { recursive: true, force: true });
    await mkdir(core, { recursive: true });
    await writeFile(path.join(core, 'index.js'), "throw new Error('The loader brings the tensor library.');\n");
  }
  const manifest: InstallManifest = {
    kind,
    tensorFlowVersion: prebuilt ? prebuiltTensorFlowVersion : wheelTensorFlowVersion,
    source: prebuilt ? 'prebuilt' : 'wheel',
    binding: prebuilt ? prebuiltBinding : bindingFile,
    recipe: recipe(),
    files: await listFiles(folder),
  };
  await writeFile(path.join(folder, manifestName), JSON.stringify(manifest, null, 2));
  const check = await runTool([process.execPath, fileURLToPath(new URL('check-library.ts', import.meta.url)), folder], {
    timeoutMillis: 5 * 60 * 1000,
    signal,
  });
  if (!check.ok) return `the library was put together but its check ${check.problem}`;
  if (kind === 'cuda' && check.output !== 'gpu') {
    if (prebuilt) return 'they find no GPU here (they need CUDA 11.2)';
    onProgress(
      "TensorFlow finds no GPU that it can use here, and will compute on the CPU. It needs NVIDIA's driver 525 or newer.",
    );
  }
  return null;
}
