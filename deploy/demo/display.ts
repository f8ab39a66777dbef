/** Where the demo speaks: bars that are repainted on a terminal, plain lines anywhere else. */
import type { WriteStream } from 'node:tty';
import { progressBars } from './progress-bars.ts';
import { emptyLineMemory, progressLines } from './progress-lines.ts';
import type { StudyProgress } from './study-progress.ts';

export interface Display {
  /** A line that stays. */
  say(line: string): void;
  /** What is going on right now; replaces what it showed before. */
  show(progress: StudyProgress): void;
  /** One passing line, for work without sites. */
  hint(line: string): void;
  /** Takes away what is passing. */
  clear(): void;
}

export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const control = '\u001b[';

export function createDisplay(output: Output | WriteStream, environment: NodeJS.ProcessEnv = process.env): Display {
  return output.isTTY === true && environment['TERM'] !== 'dumb' && environment['CI'] === undefined
    ? terminalDisplay(output, { colour: environment['NO_COLOR'] === undefined || environment['NO_COLOR'] === '' })
    : lineDisplay(output);
}

function terminalDisplay(output: Output, { colour }: { colour: boolean }): Display {
  let painted = 0;
  const clear = () => {
    if (painted > 0) output.write(`${control}${painted}A${control}0J`);
    painted = 0;
  };
  const paint = (lines: readonly string[]) => {
    // One write, so that the terminal never shows the emptied lines.
    const erase = painted > 0 ? `${control}${painted}A${control}0J` : '';
    output.write(`${erase}${lines.map((line) => `${line}\n`).join('')}`);
    painted = lines.length;
  };
  // The last column stays free: some terminals break the line there.
  const columns = () => Math.max(20, (output.columns ?? 80) - 1);
  return {
    say(line) {
      clear();
      output.write(`${line}\n`);
    },
    show: (progress) => paint(progressBars(progress, { columns: columns(), colour })),
    hint: (line) => paint([line.slice(0, columns())]),
    clear,
  };
}

function lineDisplay(output: Output): Display {
  let memory = emptyLineMemory;
  return {
    say: (line) => void output.write(`${line}\n`),
    show(progress) {
      const next = progressLines(memory, progress, { nowMillis: performance.now() });
      memory = next.memory;
      for (const line of next.lines) output.write(`${line}\n`);
    },
    hint: () => {},
    clear: () => {},
  };
}
