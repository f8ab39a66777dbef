import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

/**
 * Makes reading fail once the device has failed. WebGPU tells of an operation that did not fit its memory, or of a lost
 * card, in events beside the computation, which goes on with arbitrary numbers.
 */
export function reportDeviceErrors(backend: WebGPUBackend, device: GPUDevice): void {
  let failure: string | null = null;
  device.addEventListener('uncapturederror', (event) => {
    failure ??=
      event.error.constructor.name === 'GPUOutOfMemoryError' ? 'it ran out of memory' : 'it refused an operation';
    event.preventDefault();
  });
  device.lost.then(({ reason }) => {
    if (reason !== 'destroyed') failure ??= 'it was lost';
  });
  const read = backend.read.bind(backend);
  backend.read = async (dataId) => {
    const values = await read(dataId);
    if (failure !== null) {
      throw new Error(
        `Cannot compute on the graphics card: ${failure}. Take smaller batches, or another engine with WARDROUND_ENGINE.`,
      );
    }
    return values;
  };
  const readSync = backend.readSync.bind(backend);
  backend.readSync = (dataId) => {
    const { values, dtype } = backend.tensorMap.get(dataId);
    if (values != null || dtype === 'string') return readSync(dataId);
    throw new Error(
      'Cannot read a tensor of the webgpu engine at once: await its data() instead of calling dataSync().',
    );
  };
}
