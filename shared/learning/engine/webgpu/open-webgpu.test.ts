import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import '../../../test/all-close.ts';
import { createRandom } from '../../../random/seeded-random.ts';
import { openEngine } from '../open-engine.ts';
import { isSoftwareAdapter } from './adapter-info.ts';
import { findAdapter } from './find-adapter.ts';

const adapter = await findAdapter();
if (typeof adapter === 'string') {
  console.info(`Tests on a WebGPU adapter are skipped: ${adapter} Mesa's lavapipe (23 or later) is enough for them.`);
}
const present = typeof adapter !== 'string';
const isSoftware = present && isSoftwareAdapter(adapter);

describe('openEngine() on WebGPU', () => {
  test.runIf(isSoftware)('never takes a software adapter unless asked', async () => {
    await expect(openEngine({ prefer: ['webgpu'], allowSoftwareAdapter: false })).rejects.toThrow(
      /WebGPU found only .*, which computes on the CPU; it is used only when asked for\.$/,
    );
    expect((await openEngine({ prefer: ['webgpu', 'wasm'], allowSoftwareAdapter: false })).kind).toBe('wasm');
    process.env['WARDROUND_WEBGPU_SOFTWARE'] = '1';
    try {
      expect((await openEngine({ prefer: ['webgpu'] })).kind).toBe('webgpu');
    } finally {
      delete process.env['WARDROUND_WEBGPU_SOFTWARE'];
    }
    await expect(openEngine({ prefer: ['webgpu'] })).rejects.toThrow('only when asked for');
  });

  test.runIf(present)('multiplies matrices as WebAssembly does, and leaves no navigator.gpu', async () => {
    const random = createRandom('webgpu');
    const values = Float32Array.from({ length: 90 * 70 }, () => random.normal());
    const multiply = async (kind: 'webgpu' | 'wasm') => {
      const { tf } = await openEngine({ prefer: [kind], allowSoftwareAdapter: true });
      const a = tf.tensor2d(values, [90, 70]);
      const product = tf.tidy(() => tf.matMul(a, a, false, true));
      const data = await product.data<'float32'>();
      tf.dispose([a, product]);
      return data;
    };
    expect(await multiply('webgpu')).toBeAllClose(await multiply('wasm'), { relative: 1e-5, absolute: 0 });
    expect('gpu' in navigator).toBe(false);
  });

  test.runIf(present)('refuses to read a tensor at once, and says what to do', async () => {
    const { tf } = await openEngine({ prefer: ['webgpu'], allowSoftwareAdapter: true });
    const product = tf.matMul(tf.ones([50, 50]), tf.ones([50, 50]));
    expect(() => product.dataSync()).toThrow('await its data() instead of calling dataSync()');
    expect((await product.data())[0]).toBe(50);
  });

  test.runIf(present)('lets the process end by itself, with its own exit code', async () => {
    const door = new URL('../open-engine.ts', import.meta.url).href;
    const program = `
      import { openEngine } from '${door}';
      const { tf } = await openEngine({ prefer: ['webgpu'], allowSoftwareAdapter: true });
      const kept = tf.matMul(tf.ones([64, 64]), tf.ones([64, 64]));
      console.log((await kept.data())[0]);`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
      timeout: 30_000,
    });
    expect(stdout.trim()).toBe('64');
  });
});
