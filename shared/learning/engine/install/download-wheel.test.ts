import { describe, expect, test } from 'vitest';
import { pipArguments } from './download-wheel.ts';
import { tensorFlowWheels } from './tensorflow-wheels.ts';

describe('pipArguments()', () => {
  test("asks for the wheel's Python, ABI and platform whatever Python runs pip", () => {
    const args = pipArguments(tensorFlowWheels.native[0]!, 'folder');
    expect(args.join(' ')).toContain(
      '--python-version 3.11 --implementation cp --abi cp311 --platform manylinux_2_27_x86_64',
    );
    expect(args.at(-1)).toBe('tensorflow-cpu==2.21.0');
  });

  test('names each platform of a wheel that is for any Python', () => {
    const cublas = tensorFlowWheels.cuda.find(({ file }) => file.startsWith('nvidia_cuda_runtime'))!;
    const args = pipArguments(cublas, 'folder');
    expect(args.join(' ')).toContain('--platform manylinux2014_x86_64 --platform manylinux_2_17_x86_64');
    expect(args).not.toContain('--abi');
    expect(args.at(-1)).toBe('nvidia-cuda-runtime-cu12==12.8.90');
  });
});

describe('tensorFlowWheels', () => {
  test('pins every wheel by a whole SHA-256 and a size', () => {
    for (const { file, sizeBytes, sha256 } of Object.values(tensorFlowWheels).flat()) {
      expect(file).toMatch(/^[\w.]+-[\d.]+-(cp\d+-cp\d+|py3-none)-manylinux[\w.]+x86_64\.whl$/);
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(sizeBytes).toBeGreaterThan(100_000);
    }
  });
});
