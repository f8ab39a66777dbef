import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type EngineKind, openEngine } from './open-engine.ts';

/** A module that cannot be found, as when a site has not installed the optional package. */
const absent = () => import(String('@wardround/not-a-package'));

const noWebGpu = { dawn: absent, backend: absent };

/**
 * A real module in the optional package's place: on loading it needs what tfjs-node needs, and it registers a working
 * backend under tfjs-node's name (the plain one, so that it computes).
 */
async function withNativePackage(source: string, use: (load: () => Promise<unknown>) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'wardround-native-'));
  try {
    const file = path.join(folder, 'index.cjs');
    await writeFile(file, source);
    await use(async () => require(file));
  } finally {
    await rm(folder, { recursive: true });
  }
}

const require = createRequire(import.meta.url);
const nativePackage = (usesGpu: boolean) => `
  const util = require('node:util');
  if (!util.isNullOrUndefined(null) || !util.isArray([])) throw new Error('the binding needs these functions');
  if (process.env.TF_ENABLE_ONEDNN_OPTS !== '1') throw new Error('set before the library loads');
  const tf = require(${JSON.stringify(require.resolve('@tensorflow/tfjs-core'))});
  require(${JSON.stringify(require.resolve('@tensorflow/tfjs-backend-cpu'))});
  const createBackend = tf.findBackendFactory('cpu');
  tf.registerBackend('tensorflow', () => Object.assign(createBackend(), { isUsingGpuDevice: ${usesGpu} }));
  tf.copyRegisteredKernels('cpu', 'tensorflow');
  exports.version = { 'tfjs-node': '4.22.0' };
`;

afterEach(() => {
  vi.unstubAllEnvs();
  if (tf.findBackendFactory('tensorflow') !== null) tf.removeBackend('tensorflow');
});

describe('openEngine()', () => {
  test.each<EngineKind>(['wasm', 'plain'])('opens %s, which multiplies matrices', async (kind) => {
    const engine = await openEngine({ prefer: [kind] });
    expect(engine.kind).toBe(kind);
    const product = engine.tf.matMul([[1, 2]], [[3], [4]]);
    expect(product.dataSync()).toEqual(Float32Array.of(11));
    product.dispose();
  });

  test('says in one note for each optional package that it is absent, and takes WebAssembly', async () => {
    const engine = await openEngine({ loaders: { native: absent, webgpu: noWebGpu } });
    expect(engine.kind).toBe('wasm');
    expect(engine.notes).toEqual([
      'The package @tensorflow/tfjs-node-gpu is not installed.',
      'The package webgpu is not installed.',
    ]);
  });

  test('takes the GPU through the optional package, with the functions restored that its loader calls', async () => {
    // Newer Node versions lack them; the pinned one may not.
    Object.assign(util, { isNullOrUndefined: undefined, isArray: undefined });
    await withNativePackage(nativePackage(true), async (load) => {
      const engine = await openEngine({ loaders: { native: load } });
      expect(engine).toMatchObject({ kind: 'cuda', notes: [], habits: { transposedProducts: true, hostLoops: false } });
      expect(engine.description).toBe("TensorFlow's native library on the GPU (tfjs-node 4.22.0)");
      expect(engine.tf.getBackend()).toBe('tensorflow');
      expect(engine.tf.add(1, 2).dataSync()).toEqual(Float32Array.of(3));
    });
  });

  test('takes the CPU through the optional package when it finds no GPU', async () => {
    await withNativePackage(nativePackage(false), async (load) => {
      const engine = await openEngine({ loaders: { native: load } });
      expect(engine.kind).toBe('native');
      expect(engine.notes).toEqual([
        'TensorFlow found no GPU that it can use.',
        'This TensorFlow serves one thread only, so stages do not divide their work among threads.',
      ]);
      expect(engine.threads).toBe(1);
    });
  });

  test('goes on when the optional package breaks, and names the code of the error but no path', async () => {
    const broken = `throw Object.assign(new Error('/home/someone/lib.so'), { code: 'ERR_DLOPEN_FAILED' });`;
    await withNativePackage(broken, async (load) => {
      const engine = await openEngine({ loaders: { native: load, webgpu: noWebGpu } });
      expect(engine.kind).toBe('wasm');
      expect(engine.notes[0]).toBe(
        'The package @tensorflow/tfjs-node-gpu is installed but did not load (ERR_DLOPEN_FAILED).',
      );
    });
  });

  test('falls back to plain JavaScript when WebAssembly does not load', async () => {
    const engine = await openEngine({ loaders: { native: absent, webgpu: noWebGpu, wasm: absent } });
    expect(engine.kind).toBe('plain');
    expect(engine.notes[2]).toMatch(/^The wasm engine did not load \(ERR_\w+\)\.$/);
  });

  test('tries only the engine that WARDROUND_ENGINE names', async () => {
    vi.stubEnv('WARDROUND_ENGINE', 'plain');
    expect((await openEngine()).kind).toBe('plain');
    expect((await openEngine({ prefer: ['wasm'] })).kind).toBe('wasm');
  });

  test('refuses a WARDROUND_ENGINE that names no engine', async () => {
    vi.stubEnv('WARDROUND_ENGINE', 'abacus');
    await expect(openEngine()).rejects.toThrow(
      'Cannot open a tensor engine: WARDROUND_ENGINE must be one of cuda, native, webgpu, wasm, plain, found "abacus"',
    );
  });

  test('says why no engine could be opened', async () => {
    await expect(openEngine({ prefer: ['cuda', 'native'], loaders: { native: absent } })).rejects.toThrow(
      'Cannot open a tensor engine: tried cuda, native. The package @tensorflow/tfjs-node-gpu is not installed.',
    );
  });

  test('leaves the program its own handling of uncaught errors', async () => {
    const before = process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection');
    await openEngine({ prefer: ['wasm'] });
    expect(process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection')).toBe(before);
  });
});
