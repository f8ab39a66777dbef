import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { expect, test } from 'vitest';
import { openEngine } from '../open-engine.ts';
import { findAdapter } from './find-adapter.ts';

const present = typeof (await findAdapter()) !== 'string';

test.runIf(present)('reportDeviceErrors() makes reading fail once the device has failed', async () => {
  const { tf } = await openEngine({ prefer: ['webgpu'], allowSoftwareAdapter: true });
  const square = () => tf.matMul(tf.ones([50, 50]), tf.ones([50, 50]));
  expect((await square().data())[0]).toBe(50);
  const { device } = tf.backend() as WebGPUBackend;
  device.createBuffer({ size: 16, usage: 0 });
  await expect(square().data()).rejects.toThrow('Cannot compute on the graphics card: it refused an operation.');
});
