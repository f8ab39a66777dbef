import { runTool } from './run-tool.ts';

/** Unpacks only what is needed: a wheel holds thousands of files for Python besides. */
const program = `
import fnmatch, os, sys, zipfile
wheel, folder, *patterns = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for entry in archive.infolist():
        if any(fnmatch.fnmatch(entry.filename, pattern) for pattern in patterns):
            file = archive.extract(entry, folder)
            if '/bin/' in entry.filename:
                os.chmod(file, 0o755)
`;

/** Libraries, the headers that the binding includes, the assembler that TensorFlow calls on GPUs, and the licences. */
const wanted = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
  'tensorflow/include/tensorflow/c/*.h',
  'tensorflow/include/tensorflow/core/platform/*.h',
  'tensorflow/include/tensorflow/core/common_runtime/next_pluggable_device/c/*.h',
  'tensorflow/include/tsl/platform/*.h',
  'tensorflow/include/xla/tsl/*.h',
  'nvidia/*/lib/*.so*',
  'nvidia/cuda_nvcc/bin/ptxas',
  'nvidia/cuda_nvcc/nvvm/libdevice/*',
  '*.dist-info/*',
];

/** @throws {Error} when the wheel cannot be read or the disk is full. */
export async function unpackWheel(
  wheel: string,
  { folder, signal }: { readonly folder: string; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const unpacked = await runTool(['python3', '-c', program, wheel, folder, ...wanted], {
    timeoutMillis: 30 * 60 * 1000,
    signal,
  });
  if (!unpacked.ok) {
    throw new Error(
      `Cannot install TensorFlow: its wheel must be unpacked, but python3 ${unpacked.problem}. Check that the disk of the cache folder has room (2 GB, 8 GB for cuda) and run the installation again.`,
    );
  }
}
