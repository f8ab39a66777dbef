/**
 * Starts this project's own programs as processes with a name, remembers their last words, and leaves none behind: not when
 * the demo ends, fails or is interrupted (it kills them), and not when it is killed itself (see exit-with-parent.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readableLogLine } from './readable-log-line.ts';

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly name: string;
  readonly pid: number;
  /** How it ended; null while it runs. */
  readonly end: ChildEnd | null;
  readonly ended: Promise<ChildEnd>;
  /** The last lines it wrote, of both streams. */
  lastLines(): readonly string[];
  kill(signal: NodeJS.Signals): void;
}

export interface Program {
  /** The TypeScript file to run. */
  readonly file: URL;
  readonly arguments: readonly string[];
}

export interface Children {
  /** @throws {Error} when the process cannot be started. */
  start(name: string, program: Program): Child;
  /**
   * Runs a program to its end.
   *
   * @returns what it wrote to its standard output.
   * @throws {ChildFailedError} when it ends with another code than 0.
   */
  run(
    name: string,
    program: Program,
    options?: { readonly input?: string; readonly signal?: AbortSignal },
  ): Promise<string>;
  /** Asks all to stop and, after `graceMillis`, makes them. */
  stopAll(options?: { readonly graceMillis?: number }): Promise<void>;
}

export class ChildFailedError extends Error {
  override readonly name = 'ChildFailedError';
}

const rememberedLines = 40;
const preload = new URL('./exit-with-parent.ts', import.meta.url).href;

export function createChildren(): Children {
  const running = new Set<ChildProcess>();
  // The last chance, when nothing else ran: synchronous, so it can only be SIGKILL.
  process.once('exit', () => {
    for (const child of running) child.kill('SIGKILL');
  });

  const launch = ({ file, arguments: args }: Program): ChildProcess => {
    const child = spawn(process.execPath, ['--import', preload, fileURLToPath(file), ...args], {
      stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
      // Everything of a demo stays in its own folder.
      env: { ...process.env, DATABASE_URL: '' },
      // A key press must reach the demo alone, which then stops its children in order.
      detached: process.platform !== 'win32',
    });
    running.add(child);
    child.once('close', () => running.delete(child));
    child.stdin?.on('error', () => {});
    return child;
  };

  return {
    start(name, program) {
      const child = launch(program);
      child.stdin?.end();
      const lines = rememberLines(child);
      let end: ChildEnd | null = null;
      const ended = endOf(child).then((how) => {
        end = how;
        return how;
      });
      return {
        name,
        pid: child.pid ?? 0,
        get end() {
          return end;
        },
        ended,
        lastLines: () => lines,
        kill: (signal) => void child.kill(signal),
      };
    },

    async run(name, program, { input, signal } = {}) {
      const child = launch(program);
      const lines = rememberLines(child);
      const output: Buffer[] = [];
      child.stdout?.on('data', (piece: Buffer) => output.push(piece));
      child.stdin?.end(input);
      const stop = () => void child.kill('SIGTERM');
      signal?.addEventListener('abort', stop, { once: true });
      const end = await endOf(child);
      signal?.removeEventListener('abort', stop);
      signal?.throwIfAborted();
      if (end.code !== 0)
        throw new ChildFailedError([`${name} ${endText(end)}.`, ...lines.map((line) => `  ${line}`)].join('\n'));
      return Buffer.concat(output).toString();
    },

    async stopAll({ graceMillis = 5000 } = {}) {
      const leaving = [...running].map((child) => [child, endOf(child)] as const);
      for (const [child] of leaving) child.kill('SIGTERM');
      const patience = new AbortController();
      await Promise.race([
        Promise.all(leaving.map(([, end]) => end)),
        delay(graceMillis, undefined, { signal: patience.signal }).catch(() => {}),
      ]);
      patience.abort();
      for (const [child] of leaving) if (running.has(child)) child.kill('SIGKILL');
      await Promise.all(leaving.map(([, end]) => end));
    },
  };
}

/** `ended with code 1`, `was killed by SIGKILL`. */
export function endText({ code, signal }: ChildEnd): string {
  if (signal !== null) return `was ended by ${signal}`;
  return code === null ? 'could not be started' : `ended with code ${code}`;
}

function endOf(child: ChildProcess): Promise<ChildEnd> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve({ code: child.exitCode, signal: child.signalCode });
  }
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
}

/** A list that is kept up to date with the child's last lines. */
function rememberLines(child: ChildProcess): readonly string[] {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      if (line.trim() === '') return;
      lines.push(readableLogLine(line));
      if (lines.length > rememberedLines) lines.shift();
    });
  }
  return lines;
}
