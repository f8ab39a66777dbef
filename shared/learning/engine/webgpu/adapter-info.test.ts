import { describe, expect, test } from 'vitest';
import { type AdapterInfo, adapterName, isSoftwareAdapter } from './adapter-info.ts';

const adapter = (info: Partial<AdapterInfo>): AdapterInfo => ({
  vendor: '',
  architecture: '',
  device: '',
  description: '',
  isFallbackAdapter: false,
  ...info,
});

describe('isSoftwareAdapter()', () => {
  test.each([
    [{ vendor: 'mesa', architecture: 'software', device: 'llvmpipe-llvm-15-0-6-256-bits-' }],
    [{ description: 'llvmpipe: Mesa 25.0.7 (LLVM 15.0.6) 0.0.1' }],
    [{ vendor: 'google', architecture: 'swiftshader', description: 'SwiftShader driver 5.0.0' }],
    [{ vendor: 'microsoft', description: 'Microsoft Basic Render Driver' }],
    [{ vendor: 'new', description: 'of a driver nobody has met', isFallbackAdapter: true }],
  ])('is true of %j', (info) => {
    expect(isSoftwareAdapter(adapter(info))).toBe(true);
  });

  test.each([
    [{ vendor: 'nvidia', architecture: 'ampere', description: 'NVIDIA: 550.90.07' }],
    [{ vendor: 'amd', architecture: 'rdna-3', device: 'amd-radeon-rx-7900-xtx-radv-navi31' }],
    [{ vendor: 'intel', architecture: 'xe-hpg', description: 'Intel open-source Mesa driver: Mesa 25.0.7' }],
    [{ vendor: 'apple', architecture: 'metal-3' }],
    [{}],
  ])('is false of %j', (info) => {
    expect(isSoftwareAdapter(adapter(info))).toBe(false);
  });
});

describe('adapterName()', () => {
  test('takes the fullest name there is', () => {
    expect(adapterName(adapter({ vendor: 'a', device: 'b', description: 'c' }))).toBe('c');
    expect(adapterName(adapter({ vendor: 'a', device: 'b' }))).toBe('b');
    expect(adapterName(adapter({ vendor: 'apple', architecture: 'metal-3' }))).toBe('apple metal-3');
    expect(adapterName(adapter({}))).toBe('unnamed adapter');
  });
});
