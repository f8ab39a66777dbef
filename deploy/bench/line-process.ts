/** A process that answers each line it is sent with one line of JSON, so that several can be measured in turns. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface LineProcess {
  /**
   * Resolves to the next answer, after sending the line if one is given.
   *
   * @throws {ProcessEndedError} when the process ends instead.
   */
  ask<Answer>(line?: string): Promise<Answer>;
  kill(): void;
}

/** The message holds the end of what the process wrote to its standard error. */
export class ProcessEndedError extends Error {
  override readonly name = 'ProcessEndedError';
}

/** Answers begin so: libraries print lines of their own. */
const ANSWER = '@';

/** @param options `environment` beside this process's own. */
export function startLineProcess(
  command: string,
  words: readonly string[],
  options: { readonly signal: AbortSignal; readonly environment?: Readonly<Record<string, string>> },
): LineProcess {
  const { signal, environment = {} } = options;
  signal.throwIfAborted();
  const child = spawn(command, words, { stdio: 'pipe', env: { ...process.env, ...environment } });
  const kill = () => child.kill('SIGKILL');
  signal.addEventListener('abort', kill);
  process.once('exit', kill);
  child.stdin.on('error', () => {});
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-500);
  });
  const answers: string[] = [];
  let waiting: (() => void) | null = null;
  let end: string | null = null;
  const wake = () => waiting?.();
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith(ANSWER)) return;
    answers.push(line.slice(ANSWER.length));
    wake();
  });
  const ended = (how: string) => {
    end ??= how;
    signal.removeEventListener('abort', kill);
    process.off('exit', kill);
    wake();
  };
  child.once('error', (error) => ended(error.message));
  child.once('close', (code, by) => ended(by ?? `exit code ${code}`));

  return {
    async ask<Answer>(line?: string): Promise<Answer> {
      if (line !== undefined) child.stdin.write(`${line}\n`);
      while (answers.length === 0 && end === null) {
        await new Promise<void>((resolve) => {
          waiting = resolve;
        });
      }
      signal.throwIfAborted();
      if (answers.length === 0) throw new ProcessEndedError(`The process ended (${end}). ${complaint.trim()}`.trim());
      return JSON.parse(answers.shift()!) as Answer;
    },
    kill,
  };
}
