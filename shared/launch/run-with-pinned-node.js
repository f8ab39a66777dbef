/**
 * Starts a program with the Node that the project pins, whatever Node started this file.
 *
 * Plain JavaScript on purpose: an older Node has to be able to read it. When the running Node is new enough the program
 * is simply imported; otherwise the npm package `node` that was installed beside the project runs it.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** Node 24 runs TypeScript from source and brings `node:sqlite`. */
const OLDEST_MAJOR = 24;

/** The path of the pinned Node's binary, or null when the package is not installed. */
function findPinnedNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'));
    const binary = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(binary) ? binary : null;
  } catch {
    return null;
  }
}

/**
 * Runs the program at `programUrl` with this process's arguments, and ends as it ends.
 *
 * @param {URL} programUrl the TypeScript file to run
 * @returns {Promise<void>}
 */
export async function runWithPinnedNode(programUrl) {
  if (Number.parseInt(process.versions.node, 10) >= OLDEST_MAJOR) {
    await import(programUrl.href);
    return;
  }
  const binary = findPinnedNode();
  if (binary === null) {
    console.error(
      `Cannot start: Node ${OLDEST_MAJOR} or newer is needed, found ${process.versions.node}, and the pinned one is not installed. ` +
        'Run "npm ci" in the project folder, or start this command with a newer Node.',
    );
    process.exitCode = 1;
    return;
  }
  const child = spawn(binary, [fileURLToPath(programUrl), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('error', (error) => {
    console.error(
      `Cannot start the pinned Node: ${error.code ?? error.name}. Run "npm ci" in the project folder again.`,
    );
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
