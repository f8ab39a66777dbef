/** Compiles tfjs-node's binding and this project's operations against the TensorFlow that lies beside them. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bindingPackage } from './npm-packages.ts';
import { runTool } from './run-tool.ts';

/** The version of Node's binary interface that the binding asks for; every Node since 12.22 has it. */
const nodeApiVersion = 8;
const compilers = ['c++', 'g++', 'clang++'] as const;
export const bindingFile = 'tfjs_binding.node';

const bindingSources = path.posix.join('node_modules', bindingPackage.name, 'binding');

/** The first C++ compiler on the path, or null. */
export async function findCompiler(signal?: AbortSignal): Promise<string | null> {
  for (const compiler of compilers) {
    if ((await runTool([compiler, '--version'], { timeoutMillis: 30_000, signal })).ok) return compiler;
  }
  return null;
}

/**
 * Writes `tfjs_binding.node` into `folder`, which holds the unpacked wheels and packages.
 *
 * @throws {Error} when it does not compile.
 */
export async function compileBinding(
  folder: string,
  { compiler, signal }: { readonly compiler: string; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const compile = async (args: readonly string[]) => {
    const common = ['-std=c++17', '-O2', '-shared', '-fPIC', '-Inode_modules/node-api-headers/include'];
    const result = await runTool([compiler, ...common, ...args], { timeoutMillis: 10 * 60 * 1000, signal, folder });
    if (result.ok) return;
    throw new Error(
      `Cannot install TensorFlow: the binding must compile as C++17, but ${compiler} ${result.problem}. GCC 9 or Clang 10 or newer is needed, with the C++ standard library's headers (on Debian: apt-get install g++).`,
    );
  };
  await separateThreads(folder);
  await compile(bindingArguments(await nvidiaLibraries(folder)));
  const sources = (await readdir(operationsFolder)).filter((name) => name.endsWith('.cc'));
  await compile(operationArguments(sources.map((name) => path.join(operationsFolder, name)).sort()));
  const quiet = fileURLToPath(new URL('quiet-binding.cc', import.meta.url));
  await compile(['-o', bindingFile, quiet, '-ldl']);
}

/** The binding keeps the names of attributes in a set that all its threads would write to; each gets its own. */
async function separateThreads(folder: string): Promise<void> {
  const file = path.join(folder, bindingSources, 'tfjs_backend.cc');
  const shared = 'static std::set<std::string> ATTR_NAME_SET;';
  const source = await readFile(file, 'utf8');
  if (!source.includes(shared)) {
    throw new Error("Cannot install TensorFlow: the binding's source is not the one that this project knows.");
  }
  await writeFile(file, source.replace(shared, shared.replace('static', 'static thread_local')));
}

const operationsFolder = fileURLToPath(new URL('operations', import.meta.url));
const tensorFlowLibraries = ['tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2'];

/** Vector instructions as the loader asks for them, and no liberties with numbers but those that keep each result. */
function operationArguments(sources: readonly string[]): string[] {
  return [
    '-O3',
    '-mavx2',
    '-mfma',
    '-fopenmp-simd',
    '-fno-math-errno',
    '-fno-trapping-math',
    '-fvisibility=hidden',
    '-pthread',
    '-Itensorflow/include',
    '-o',
    'libwardround_operations.so',
    ...sources,
    ...tensorFlowLibraries,
    '-Wl,-rpath,$ORIGIN/tensorflow',
    '-Wl,--allow-shlib-undefined',
  ];
}

/**
 * NVIDIA's libraries are linked although the binding calls none of them: they are then in the process under their names
 * when TensorFlow looks for them, and no LD_LIBRARY_PATH is needed.
 */
export function bindingArguments(nvidia: readonly string[]): string[] {
  const searched = ['tensorflow', ...new Set(nvidia.map((library) => path.posix.dirname(library)))];
  return [
    `-DNAPI_VERSION=${nodeApiVersion}`,
    '-Itensorflow/include',
    '-o',
    'libtfjs_binding.so',
    '-DTFE_NewContext=newContextWithThreads',
    `${bindingSources}/tfjs_backend.cc`,
    `${bindingSources}/tfjs_binding.cc`,
    `-I${bindingSources}`,
    ...['context-threads.cc', 'copy-tensor.cc'].map((name) => fileURLToPath(new URL(name, import.meta.url))),
    ...tensorFlowLibraries,
    ...(nvidia.length > 0 ? ['-Wl,--no-as-needed', ...nvidia] : []),
    // Each library may need what lies in another's folder, so the path holds for all of them.
    '-Wl,--disable-new-dtags',
    ...searched.map((searchedFolder) => `-Wl,-rpath,$ORIGIN/${searchedFolder}`),
    '-Wl,--allow-shlib-undefined',
  ];
}

/** Under the names that programs load, such as nvidia/cublas/lib/libcublas.so.12; not the one that stands in for other BLAS. */
async function nvidiaLibraries(folder: string): Promise<string[]> {
  const names = await readdir(path.join(folder, 'nvidia'), { recursive: true }).catch(() => []);
  return names
    .filter((name) => /\/lib\/lib[^/]+\.so\.\d+$/.test(name) && !/libnvblas|\.alt\./.test(name))
    .map((name) => `nvidia/${name}`)
    .sort();
}
