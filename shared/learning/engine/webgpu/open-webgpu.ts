/**
 * TensorFlow.js on any vendor's graphics card: its WebGPU backend on Dawn, which brings WebGPU to Node and needs no more
 * than a Vulkan, Metal or Direct3D 12 driver.
 */
import * as tf from '@tensorflow/tfjs-core';
import { errorCode } from '../native-library.ts';
import { adapterName, isSoftwareAdapter } from './adapter-info.ts';
import { type DawnAdapter, type DawnModule, requestDawnAdapter, requestDawnDevice } from './dawn-adapter.ts';
import { findAdapter } from './find-adapter.ts';
import { reportDeviceErrors } from './report-device-errors.ts';

type BackendModule = typeof import('@tensorflow/tfjs-backend-webgpu');

export interface WebGpuLoaders {
  /** Resolves to the module of npm `webgpu`. */
  dawn(): Promise<unknown>;
  /** Resolves to the module of `@tensorflow/tfjs-backend-webgpu`. */
  backend(): Promise<unknown>;
}

export interface WebGpu {
  /** The graphics card's name. */
  readonly adapter: string;
  /** Of TensorFlow.js. */
  readonly version: string;
}

/** The adapter of the backend that was made: a process has one, and holds on to it because the device needs it. */
let inUse: DawnAdapter | null = null;

/** Registers the backend `webgpu`; resolves to the sentence that says why not where it cannot. */
export async function openWebGpu(
  loaders: WebGpuLoaders,
  { allowSoftwareAdapter }: { readonly allowSoftwareAdapter: boolean },
): Promise<WebGpu | string> {
  let dawn: DawnModule;
  let module: BackendModule;
  try {
    dawn = (await loaders.dawn()) as DawnModule;
    module = (await loaders.backend()) as BackendModule;
  } catch (error) {
    return errorCode(error) === 'ERR_MODULE_NOT_FOUND'
      ? 'The package webgpu is not installed.'
      : `The package webgpu is installed but did not load (${errorCode(error)}).`;
  }
  const info = inUse?.info ?? (await findAdapter());
  if (typeof info === 'string') return info;
  if (isSoftwareAdapter(info) && !allowSoftwareAdapter) {
    return `WebGPU found only ${adapterName(info)}, which computes on the CPU; it is used only when asked for.`;
  }
  const opened: WebGpu = { adapter: adapterName(info), version: tf.version_core };
  if (inUse !== null) return opened;
  const found = await requestDawnAdapter(dawn);
  if (found === null) return 'WebGPU found a graphics card once but not again.';
  const device = await requestDawnDevice(found);
  inUse = found;
  // Left to the end of the process, Dawn takes the device down after what the device needs.
  process.once('exit', () => device.destroy());
  const backend = createBackend({ dawn, module, found, device });
  reportDeviceErrors(backend, device);
  tf.registerBackend('webgpu', () => backend);
  return opened;
}

/** The backend looks for a browser's globals: the constants stay, `navigator.gpu` is there only while it is made. */
function createBackend({
  dawn,
  module,
  found,
  device,
}: {
  dawn: DawnModule;
  module: BackendModule;
  found: DawnAdapter;
  device: GPUDevice;
}) {
  Object.assign(globalThis, dawn.globals);
  Object.defineProperty(navigator, 'gpu', { value: found.gpu, configurable: true });
  try {
    return new module.WebGPUBackend(device, found.adapter.info);
  } finally {
    Reflect.deleteProperty(navigator, 'gpu');
  }
}
