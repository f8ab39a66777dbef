import { describe, expect, test } from 'vitest';
import { bindingArguments } from './compile-binding.ts';

describe('bindingArguments()', () => {
  test("links NVIDIA's libraries and searches their folders beside the binding", () => {
    const args = bindingArguments(['nvidia/cublas/lib/libcublas.so.12', 'nvidia/cublas/lib/libcublasLt.so.12']);
    const at = args.indexOf('-Wl,--no-as-needed');
    expect(args[at + 1]).toBe('nvidia/cublas/lib/libcublas.so.12');
    expect(args.filter((arg) => arg.startsWith('-Wl,-rpath'))).toEqual([
      '-Wl,-rpath,$ORIGIN/tensorflow',
      '-Wl,-rpath,$ORIGIN/nvidia/cublas/lib',
    ]);
    expect(bindingArguments([])).not.toContain('-Wl,--no-as-needed');
  });
});
