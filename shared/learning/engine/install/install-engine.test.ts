import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { installEngine, refuseOtherPlatforms } from './install-engine.ts';
import { installedEngine, manifestName } from './installed-engine.ts';
import { runTool } from './run-tool.ts';
import { tensorFlowWheels, type Wheel } from './tensorflow-wheels.ts';

/** Nothing answers here, at once. */
const nowhere = 'http://127.0.0.1:9/';
const cacheBefore = process.env['WARDROUND_CACHE'];
let folder: string;
let lines: string[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'wardround-install-'));
  lines = [];
  vi.stubEnv('WARDROUND_CACHE', path.join(folder, 'cache'));
  vi.stubEnv('TFJS_NODE_CDN_STORAGE', nowhere);
  vi.stubEnv('npm_config_registry', nowhere);
  vi.stubEnv('npm_config_fetch_retries', '0');
  for (const name of ['PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL', 'PIP_FIND_LINKS']) vi.stubEnv(name, nowhere);
  vi.stubEnv('PIP_NO_INDEX', '1');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const install = (kind: 'native' | 'cuda' = 'native') => installEngine(kind, { onProgress: (line) => lines.push(line) });

/** Where the programs are that a test needs besides Node; undefined where this machine has none. */
const python = await runTool(['python3', '-c', 'import pip, sys; print(sys.executable)'], { timeoutMillis: 30_000 });
const pythonFile = python.ok ? python.output.trim() : undefined;
const npmFile = (process.env['PATH'] ?? '')
  .split(':')
  .map((place) => path.join(place, 'npm'))
  .find(existsSync);

/** A PATH that has only these programs. */
async function onlyPrograms(programs: { readonly [name: string]: string }): Promise<void> {
  const place = path.join(folder, 'programs');
  await mkdir(place);
  for (const [name, file] of Object.entries(programs)) await symlink(file, path.join(place, name));
  vi.stubEnv('PATH', place);
}

/** A wheel that pip takes for the real one by its name. */
async function makeWheel(place: string, { file }: Wheel): Promise<void> {
  const description = 'Metadata-Version: 2.1\nName: tensorflow-cpu\nVersion: 2.21.0\n';
  const program = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as archive:
    archive.writestr('tensorflow_cpu-2.21.0.dist-info/METADATA', sys.argv[2])
    archive.writestr('tensorflow_cpu-2.21.0.dist-info/WHEEL', 'Wheel-Version: 1.0')`;
  await mkdir(place);
  await runTool(['python3', '-c', program, path.join(place, file), description], { timeoutMillis: 30_000 });
}

/** What an installation that failed may leave: nothing. */
async function leftBehind(): Promise<string[]> {
  return readdir(path.join(folder, 'cache/engines')).catch(() => []);
}

describe.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('installEngine()', () => {
  test('says in one line that there are no prebuilt files, and what it needs when there is no Python', async () => {
    await onlyPrograms({});
    await expect(install()).rejects.toThrow(
      'Cannot install TensorFlow: Python 3 with pip is needed, but there is no python3 on the PATH. Install it (on Debian: apt-get install python3-pip). Then run the installation again.',
    );
    expect(lines).toEqual([
      "Trying the package's own prebuilt files.",
      'No prebuilt files: the host that serves them does not answer. Going on with the Python wheel of TensorFlow 2.21.0.',
    ]);
    expect(await leftBehind()).toEqual([]);
  });

  test('says what it needs when Python has no pip', async () => {
    await onlyPrograms({ python3: '/bin/false' });
    await expect(install()).rejects.toThrow('Python 3 with pip is needed, but "python3 -m pip" ended with code 1.');
  });

  test.skipIf(!pythonFile || !npmFile)('says what it needs when there is no compiler', async () => {
    await onlyPrograms({ node: process.execPath, npm: npmFile!, python3: pythonFile! });
    await expect(install()).rejects.toThrow(
      'Cannot install TensorFlow: a C++ compiler is needed, but there is no c++, g++ or clang++ on the PATH.',
    );
    expect(await leftBehind()).toEqual([]);
  });

  test.skipIf(!pythonFile || !npmFile)('says that pip could not download when there is no network', async () => {
    await expect(install()).rejects.toThrow(
      'Cannot install TensorFlow: pip must be able to download tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl (274 MB) but ended with code 1. Check the network',
    );
    expect(await leftBehind()).toEqual([]);
  });

  test.skipIf(!pythonFile || !npmFile)('uses nothing of a download that is not the pinned file', async () => {
    const [wheel] = tensorFlowWheels.native;
    const index = path.join(folder, 'index');
    await makeWheel(index, wheel!);
    vi.stubEnv('PIP_FIND_LINKS', index);
    await expect(install()).rejects.toThrow(/it must have 273829956 bytes, found \d+\. Nothing of it was used\./);
    expect(await leftBehind()).toEqual([]);
  });

  test('removes what an installation left that was killed, but not what runs', async () => {
    const engines = path.join(folder, 'cache/engines');
    await mkdir(path.join(engines, 'native.unfinished-999999999'), { recursive: true });
    await mkdir(path.join(engines, `native.unfinished-${process.ppid}`));
    await onlyPrograms({});
    await expect(install()).rejects.toThrow('Cannot install');
    expect(await leftBehind()).toEqual([`native.unfinished-${process.ppid}`]);
  });

  test('finds what is installed, unchanged, without any tool or network', async () => {
    vi.stubEnv('WARDROUND_CACHE', cacheBefore);
    const before = installedEngine('native');
    if (before === null) return;
    await onlyPrograms({});
    expect(await install()).toEqual(before);
    expect(lines).toEqual(['TensorFlow 2.21.0 (native) is installed already, and its files are unchanged.']);
  });

  test('stops when the signal aborts', async () => {
    const signal = AbortSignal.abort(new Error('stopped by the user'));
    await expect(installEngine('native', { onProgress: () => {}, signal })).rejects.toThrow('stopped by the user');
    expect(await leftBehind()).toEqual([]);
  });
});

describe('refuseOtherPlatforms()', () => {
  test.each([
    ['darwin', 'arm64'],
    ['win32', 'x64'],
    ['linux', 'arm64'],
  ])('refuses %s on %s', (platform, arch) => {
    expect(() => refuseOtherPlatforms('native', { platform, arch })).toThrow(
      `Cannot install the native engine: its libraries are pinned for Linux on x64, found ${platform} on ${arch}.`,
    );
  });
});

describe('installedEngine()', () => {
  test('is null before the installation and when a file is missing or cut short', async () => {
    expect(installedEngine('native')).toBeNull();
    const engine = path.join(folder, 'cache/engines/native');
    await mkdir(engine, { recursive: true });
    const files = [{ name: 'library.so', sizeBytes: 4, sha256: '' }];
    const manifest = { kind: 'native', tensorFlowVersion: '2.21.0', source: 'wheel', binding: 'library.so', files };
    await writeFile(path.join(engine, manifestName), JSON.stringify(manifest));
    expect(installedEngine('native')).toBeNull();
    await writeFile(path.join(engine, 'library.so'), 'abc');
    expect(installedEngine('native')).toBeNull();
    await writeFile(path.join(engine, 'library.so'), 'abcd');
    expect(installedEngine('native')).toMatchObject({ folder: engine, binding: 'library.so' });
  });
});
