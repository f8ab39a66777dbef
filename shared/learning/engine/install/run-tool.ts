/** Runs a program of the machine, without a shell. */
import { execFile } from 'node:child_process';

export type ToolResult =
  | { readonly ok: true; readonly output: string }
  /** `problem` finishes the sentence that the tool's name begins. */
  | { readonly ok: false; readonly missing: boolean; readonly problem: string };

export interface ToolOptions {
  readonly timeoutMillis: number;
  readonly signal?: AbortSignal | undefined;
  readonly folder?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

/**
 * Resolves to what the tool printed, or to why it gave no result. The problem never quotes the tool, whose output names
 * paths.
 *
 * @throws the signal's reason when it is aborted.
 */
export async function runTool(
  [tool, ...args]: readonly [string, ...string[]],
  { timeoutMillis, signal, folder, environment }: ToolOptions,
): Promise<ToolResult> {
  const result = await new Promise<ToolResult>((resolve) => {
    const options = {
      cwd: folder,
      env: environment ?? process.env,
      timeout: timeoutMillis,
      killSignal: 'SIGKILL' as const,
      maxBuffer: 16 * 2 ** 20,
      ...(signal && { signal }),
    };
    execFile(tool, args, options, (error, stdout) => {
      if (error === null) resolve({ ok: true, output: stdout });
      else resolve({ ok: false, missing: error.code === 'ENOENT', problem: problemOf(error, timeoutMillis) });
    });
  });
  signal?.throwIfAborted();
  return result;
}

function problemOf(
  { code, killed, signal }: { code?: unknown; killed?: boolean; signal?: unknown },
  timeoutMillis: number,
): string {
  if (code === 'ENOENT') return 'was not found';
  if (killed) return `did not finish within ${Math.round(timeoutMillis / 1000)} seconds`;
  return typeof code === 'number' ? `ended with code ${code}` : `was ended (${String(signal ?? code)})`;
}
