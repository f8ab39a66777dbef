import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { AdapterInfo } from './adapter-info.ts';

const PROBE = fileURLToPath(new URL('adapter-probe.ts', import.meta.url));
const TIMEOUT_MILLIS = 20_000;

/**
 * Resolves to the adapter that WebGPU would use, or to the sentence that says why there is none. It is looked for in a
 * process of its own: a broken graphics driver ends the process that asks it, and training must not be that one.
 */
export function findAdapter({ probe = PROBE, timeoutMillis = TIMEOUT_MILLIS } = {}): Promise<AdapterInfo | string> {
  return new Promise((resolve) => {
    const options = { timeout: timeoutMillis, killSignal: 'SIGKILL' } as const;
    execFile(process.execPath, [probe], options, (error, stdout) => {
      if (error === null) resolve(readAnswer(stdout));
      else if (error.killed === true) {
        resolve(`The graphics driver did not answer WebGPU within ${timeoutMillis / 1000} seconds.`);
      } else {
        const how = error.signal ?? `exit code ${error.code}`;
        resolve(`The graphics driver failed when WebGPU asked for it (${how}).`);
      }
    });
  });
}

function readAnswer(printed: string): AdapterInfo | string {
  try {
    const info = JSON.parse(printed.trim().split('\n').at(-1)!) as AdapterInfo | null;
    return info ?? 'WebGPU found no graphics card with a driver that it can use.';
  } catch {
    return 'The graphics driver gave WebGPU no readable answer.';
  }
}
