/** What a WebGPU adapter says of itself, and whether it is a processor that only plays a graphics card. */
export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter: boolean;
}

/** Mesa's llvmpipe and softpipe, Google's SwiftShader, Windows' WARP. */
const softwareDrivers = /llvmpipe|lavapipe|softpipe|swiftshader|basic render|\bwarp\b|\bsoftware\b/i;

/** A software adapter computes on the CPU, many times slower than the engines that are made for it. */
export function isSoftwareAdapter(info: AdapterInfo): boolean {
  const { vendor, architecture, device, description } = info;
  return info.isFallbackAdapter || softwareDrivers.test([vendor, architecture, device, description].join(' '));
}

/** One name for people. */
export function adapterName({ vendor, architecture, device, description }: AdapterInfo): string {
  return description || device || [vendor, architecture].filter((part) => part !== '').join(' ') || 'unnamed adapter';
}
