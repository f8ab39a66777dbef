import { rm } from 'node:fs/promises';
import path from 'node:path';
import { runTool } from './run-tool.ts';
import type { Wheel } from './tensorflow-wheels.ts';
import { verifyFile } from './verify-file.ts';

/** A gigabyte through a slow hospital line; pip gives up long before when nothing answers. */
const timeoutMillis = 2 * 60 * 60 * 1000;

/**
 * Downloads a wheel with pip, from whatever index pip is set up for, and verifies it. Resolves to its path.
 *
 * @throws {Error} when pip cannot download it, or what came is not the pinned file.
 */
export async function downloadWheel(
  wheel: Wheel,
  { folder, signal }: { readonly folder: string; readonly signal?: AbortSignal | undefined },
): Promise<string> {
  const file = path.join(folder, wheel.file);
  const result = await runTool(['python3', '-m', 'pip', ...pipArguments(wheel, folder)], { timeoutMillis, signal });
  if (!result.ok) {
    throw new Error(
      `Cannot install TensorFlow: pip must be able to download ${wheel.file} (${megabytes(wheel)} MB) but ${result.problem}. Check the network or pip's settings (PIP_INDEX_URL, PIP_PROXY) and run the installation again.`,
    );
  }
  try {
    await verifyFile(file, wheel);
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
  return file;
}

export function megabytes({ sizeBytes }: Wheel): number {
  return Math.ceil(sizeBytes / 1e6);
}

/** A wheel's file name says which Python, ABI and platforms it is for; pip must be told to ask for others than its own. */
export function pipArguments({ file }: Wheel, folder: string): string[] {
  const [name, version, python, abi, platforms] = file.replace(/\.whl$/, '').split('-') as [
    string,
    string,
    string,
    string,
    string,
  ];
  const interpreter = /^cp(\d)(\d+)$/.exec(python);
  return [
    'download',
    '--no-deps',
    '--only-binary=:all:',
    ...(interpreter
      ? ['--python-version', `${interpreter[1]}.${interpreter[2]}`, '--implementation', 'cp', '--abi', abi]
      : []),
    ...platforms.split('.').flatMap((platform) => ['--platform', platform]),
    '--no-cache-dir',
    '--disable-pip-version-check',
    '--no-input',
    '--quiet',
    '--retries=2',
    '--timeout=30',
    `--dest=${folder}`,
    `${name.replaceAll('_', '-')}==${version}`,
  ];
}
