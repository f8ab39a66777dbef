/** Asks Dawn, the WebGPU of npm `webgpu`, for its fastest adapter. */
import type { AdapterInfo } from './adapter-info.ts';

/** The part of npm `webgpu` that is used. */
export interface DawnModule {
  create(options: string[]): GPU;
  /** The constructors and flags that a browser has as globals, such as `GPUBufferUsage`. */
  readonly globals: object;
}

/** Dawn takes its devices with it when its `GPU` object is collected: whoever uses one holds on to all three. */
export interface DawnAdapter {
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
  readonly info: AdapterInfo;
}

export async function requestDawnAdapter(dawn: DawnModule): Promise<DawnAdapter | null> {
  const gpu = dawn.create([]);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) return null;
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  return { gpu, adapter, info: { vendor, architecture, device, description, isFallbackAdapter } };
}

/** A device with the adapter's own limits, without which a weight matrix or its gradient may not fit a buffer. */
export function requestDawnDevice({ adapter }: DawnAdapter): Promise<GPUDevice> {
  const { limits } = adapter;
  return adapter.requestDevice({
    requiredFeatures: adapter.features.has('timestamp-query') ? ['timestamp-query'] : [],
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    },
  });
}
