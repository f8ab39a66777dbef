/**
 * Chooses what computes the tensors: a GPU or the CPU through TensorFlow's native library, any GPU through WebGPU,
 * WebAssembly, or plain JavaScript.
 *
 * TensorFlow.js has one current backend a process. Opening a second engine makes it the current one, so a program opens
 * one engine and passes it on.
 */
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import {
  errorCode,
  type LoadNativePackage,
  loadNativePackage,
  type NativeLibrary,
  openNativeLibrary,
} from './native-library.ts';
import { registerGradients } from './register-gradients.ts';
import { shareClones } from './share-clones.ts';
import { threadsHere } from './threads-here.ts';
import { openWebGpu, type WebGpuLoaders } from './webgpu/open-webgpu.ts';

/** Fastest first; this is also the order in which they are tried. */
export const engineKinds = ['cuda', 'native', 'webgpu', 'wasm', 'plain'] as const;
export type EngineKind = (typeof engineKinds)[number];

/** What is fast on an engine. Ops look here, so that encoders need not know where they run. */
export interface EngineHabits {
  /** A matrix product may read a side transposed at full speed; otherwise ops transpose first. */
  readonly transposedProducts: boolean;
  /** One product over a batch of matrices is as fast as its flops; otherwise ops run one plain product a matrix. */
  readonly batchedProducts: boolean;
  /** Tensors lie in this process's memory, so a JavaScript loop over the values costs no transfer to a device. */
  readonly hostLoops: boolean;
}

export interface Engine {
  readonly kind: EngineKind;
  /** One line for people: what computes, and at which version. */
  readonly description: string;
  /** One plain sentence for each engine that was tried and not taken, or that could be faster than it is here. */
  readonly notes: readonly string[];
  readonly tf: typeof tf;
  readonly habits: EngineHabits;
  /**
   * How many threads may compute at once. A stage that divides its work starts up to so many, each with an engine of this
   * kind that has its part of them; what a stage does not divide, a native engine computes in all of them by itself, and a
   * WebAssembly engine in the one thread that opened it. 1 where the engine cannot be opened in several threads.
   */
  readonly threads: number;
}

/** How each package is loaded. A caller replaces one to bring its own build of it. */
export interface EngineLoaders {
  /** Resolves to the module of `@tensorflow/tfjs-node-gpu`, which registers the backend `tensorflow`. */
  readonly native: LoadNativePackage;
  readonly webgpu: WebGpuLoaders;
  wasm(): Promise<unknown>;
  plain(): Promise<unknown>;
}

const habits: Record<EngineKind, EngineHabits> = {
  cuda: { transposedProducts: true, batchedProducts: true, hostLoops: false },
  native: { transposedProducts: true, batchedProducts: true, hostLoops: false },
  webgpu: { transposedProducts: true, batchedProducts: true, hostLoops: false },
  wasm: { transposedProducts: false, batchedProducts: false, hostLoops: true },
  plain: { transposedProducts: true, batchedProducts: true, hostLoops: true },
};

const wasmPackage = '@tensorflow/tfjs-backend-wasm';
const { resolve: packageEntry } = createRequire(import.meta.url);

const packageLoaders: EngineLoaders = {
  native: loadNativePackage,
  webgpu: { dawn: () => import('webgpu'), backend: () => import('@tensorflow/tfjs-backend-webgpu') },
  wasm: () => import('@tensorflow/tfjs-backend-wasm'),
  plain: () => import('@tensorflow/tfjs-backend-cpu'),
};

/**
 * Opens the first engine that works. `prefer` names the engines to try, in order; without it the environment variable
 * `WARDROUND_ENGINE` may name one; without that all are tried, fastest first. `threads` bounds the threads that
 * compute on WebAssembly and native TensorFlow: one a core unless given, fewer where memory is short. TensorFlow keeps the
 * number with which it was first opened in a thread of this program; another thread may open it with another.
 *
 * A WebGPU adapter that computes on the CPU is slower than every other engine, so it is taken only with
 * `allowSoftwareAdapter` or WARDROUND_WEBGPU_SOFTWARE=1. On WebGPU tensors are read with `await data()` alone.
 *
 * @throws {RangeError} when `WARDROUND_ENGINE` names no engine.
 * @throws {Error} when none of the engines asked for works here; the message holds the reason of each.
 */
export async function openEngine(
  options: {
    prefer?: readonly EngineKind[];
    allowSoftwareAdapter?: boolean;
    loaders?: Partial<EngineLoaders>;
    threads?: number | undefined;
  } = {},
): Promise<Engine> {
  const wanted = options.prefer ?? enginesFromEnvironment(process.env['WARDROUND_ENGINE']) ?? engineKinds;
  const loaders = { ...packageLoaders, ...options.loaders };
  const allowSoftwareAdapter = options.allowSoftwareAdapter ?? process.env['WARDROUND_WEBGPU_SOFTWARE'] === '1';
  // Silences the advice that TensorFlow.js prints when it runs in Node; the engine's notes say the same better.
  tf.enableProdMode();
  const threads = options.threads ?? threadsHere();
  const notes: string[] = [];
  let library: Promise<NativeLibrary | string> | undefined;
  for (const kind of wanted) {
    const opened = await tryEngine(kind, {
      loaders,
      allowSoftwareAdapter,
      nativeLibrary: () => {
        library ??= openNativeLibrary(loaders.native, { threads });
        return library;
      },
    }).catch((error) => ({ reason: `The ${kind} engine did not load (${errorCode(error)}).` }));
    if ('description' in opened) {
      registerGradients();
      const { description, inThreads = false } = opened;
      if (kind === 'native' && !inThreads) {
        notes.push('This TensorFlow serves one thread only, so stages do not divide their work among threads.');
      }
      return { kind, notes, tf, habits: habits[kind], threads: inThreads ? threads : 1, description };
    }
    // The GPU and the CPU share one library: its absence is said once.
    if (!notes.includes(opened.reason)) notes.push(opened.reason);
  }
  throw new Error(`Cannot open a tensor engine: tried ${wanted.join(', ')}. ${notes.join(' ')}`);
}

function enginesFromEnvironment(value: string | undefined): readonly EngineKind[] | undefined {
  if (value === undefined || value === '') return undefined;
  const kind = engineKinds.find((candidate) => candidate === value);
  if (kind === undefined) {
    throw new RangeError(
      `Cannot open a tensor engine: WARDROUND_ENGINE must be one of ${engineKinds.join(', ')}, found "${value}". Unset it to let the fastest be chosen.`,
    );
  }
  return [kind];
}

async function tryEngine(
  kind: EngineKind,
  {
    loaders,
    allowSoftwareAdapter,
    nativeLibrary,
  }: {
    loaders: EngineLoaders;
    allowSoftwareAdapter: boolean;
    nativeLibrary: () => Promise<NativeLibrary | string>;
  },
): Promise<{ description: string; inThreads?: boolean } | { reason: string }> {
  switch (kind) {
    case 'cuda':
    case 'native': {
      const library = await nativeLibrary();
      if (typeof library === 'string') return { reason: library };
      if (kind === 'cuda' && !library.usesGpu) return { reason: 'TensorFlow found no GPU that it can use.' };
      if (kind === 'native' && library.usesGpu) return { reason: 'TensorFlow runs on the GPU here, not on the CPU.' };
      return (await becomesCurrent('tensorflow'))
        ? {
            inThreads: kind === 'native' && library.opensInThreads,
            description: `TensorFlow's native library on the ${library.usesGpu ? 'GPU' : 'CPU'} (tfjs-node ${library.version})`,
          }
        : { reason: 'The TensorFlow library loaded but did not start.' };
    }
    case 'webgpu': {
      const webgpu = await openWebGpu(loaders.webgpu, { allowSoftwareAdapter });
      if (typeof webgpu === 'string') return { reason: webgpu };
      return (await becomesCurrent('webgpu'))
        ? { description: `TensorFlow.js ${webgpu.version} on WebGPU: ${webgpu.adapter}` }
        : { reason: 'The WebGPU backend did not start.' };
    }
    case 'wasm': {
      const wasm = (await loaders.wasm()) as typeof import('@tensorflow/tfjs-backend-wasm');
      wasm.setWasmPaths(fileURLToPath(new URL('../wasm-out/', pathToFileURL(packageEntry(wasmPackage)))));
      const started = await withoutProcessListeners(() => becomesCurrent('wasm'));
      if (!started) return { reason: 'The WebAssembly backend did not start.' };
      shareClones();
      const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
      return {
        inThreads: true,
        description: `TensorFlow.js ${wasm.version_wasm} on WebAssembly${simd ? ' with SIMD' : ''}`,
      };
    }
    case 'plain': {
      const plain = (await loaders.plain()) as typeof import('@tensorflow/tfjs-backend-cpu');
      if (!(await becomesCurrent('cpu'))) return { reason: 'The plain JavaScript backend did not start.' };
      return { description: `TensorFlow.js ${plain.version_cpu} in plain JavaScript (slow)` };
    }
    default:
      kind satisfies never;
      throw new RangeError(`Cannot open a tensor engine: no engine is called "${kind}"`);
  }
}

async function becomesCurrent(backend: string): Promise<boolean> {
  return tf.findBackendFactory(backend) !== null && (await tf.setBackend(backend));
}

/**
 * The loader that Emscripten generates installs handlers of uncaught errors that throw again and so end the process
 * past whatever handler the program has; they are taken off again.
 */
async function withoutProcessListeners<T>(start: () => Promise<T>): Promise<T> {
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => new Set<unknown>(process.listeners(event as 'uncaughtException')));
  try {
    return await start();
  } finally {
    events.forEach((event, index) => {
      for (const listener of process.listeners(event as 'uncaughtException')) {
        if (!before[index]?.has(listener)) process.removeListener(event, listener);
      }
    });
  }
}
