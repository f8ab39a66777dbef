/** The npm packages that the binding is built from and loaded with, fetched without running any script of theirs. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { runTool } from './run-tool.ts';
import { hashFile } from './verify-file.ts';

interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** As in a lock file: the SHA-512 of the package's archive. */
  readonly integrity: `sha512-${string}`;
}

export const bindingPackage: NpmPackage = {
  name: '@tensorflow/tfjs-node-gpu',
  version: '4.22.0',
  integrity: 'sha512-p//NN6DGiN4hInUmIkRffaFVMcdTREUMjPyjW04J7OXvB2zBlQimj61eFKSgRrH3f5TnOfKzb0n56he/B6a4bw==',
};

export const npmPackages: readonly NpmPackage[] = [
  bindingPackage,
  {
    name: 'google-protobuf',
    version: '3.21.4',
    integrity: 'sha512-MnG7N936zcKTco4Jd2PX2U96Kf9PxygAPKBug+74LHzmHXmceN16MmRcdgZv+DGef/S9YvQAfRsNCn4cjf9yyQ==',
  },
  {
    name: 'node-api-headers',
    version: '1.9.0',
    integrity: 'sha512-2oNILP4jXwRB4ywnYKjVk1YyJ96n2D4EOVJO6S3oYZ5PtbJrw3Yt9TpAuX3nBLMuzn74rnfGQrv13pS9vC+YiA==',
  },
];

/**
 * Puts a package under `folder`/node_modules.
 *
 * @throws {Error} when npm cannot fetch it, or what came is not the pinned archive.
 */
export async function fetchNpmPackage(
  { name, version, integrity }: NpmPackage,
  { folder, signal }: { readonly folder: string; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const archive = path.join(folder, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
  const fetched = await runTool(
    [
      'npm',
      'pack',
      `${name}@${version}`,
      `--pack-destination=${folder}`,
      '--ignore-scripts',
      '--silent',
      '--fetch-retries=1',
      '--fetch-timeout=60000',
    ],
    { timeoutMillis: 10 * 60 * 1000, signal, folder },
  );
  if (!fetched.ok) {
    throw new Error(
      `Cannot install TensorFlow: npm must be able to fetch ${name} ${version} but ${fetched.problem}. Check the network or npm's settings (registry, proxy) and run the installation again.`,
    );
  }
  const found = `sha512-${(await hashFile(archive, 'sha512')).toString('base64')}`;
  if (found !== integrity) {
    throw new Error(
      `Cannot use the package ${name} ${version}: its archive must have the integrity ${integrity}, found ${found}. Nothing of it was used. Ask who runs the package registry why it serves another file.`,
    );
  }
  const target = path.join(folder, 'node_modules', name);
  await mkdir(target, { recursive: true });
  const unpacked = await runTool(['tar', '-xzf', archive, '-C', target, '--strip-components=1', '--no-same-owner'], {
    timeoutMillis: 5 * 60 * 1000,
    signal,
  });
  if (!unpacked.ok) {
    throw new Error(
      `Cannot install TensorFlow: the archive of ${name} must be unpacked, but tar ${unpacked.problem}. Check that tar and gzip are installed and the disk has room.`,
    );
  }
  await rm(archive);
}
