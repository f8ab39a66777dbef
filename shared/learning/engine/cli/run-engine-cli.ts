/** `npm run engine` as a function: arguments in, exit code out. */
import { inspectEngines } from '../check/inspect-engines.ts';
import { reportLines } from '../check/report-lines.ts';
import { installEngine } from '../install/install-engine.ts';
import { type EngineCommand, readArguments, usage } from './arguments.ts';

const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

export interface EngineCliOptions {
  readonly signal: AbortSignal;
  /** A line of the result. */
  readonly print: (line: string) => void;
  /** A line about what is going on, or what went wrong. */
  readonly tell: (line: string) => void;
}

export async function runEngineCli(words: readonly string[], options: EngineCliOptions): Promise<number> {
  try {
    await run(readArguments(words), options);
    return EXIT.ok;
  } catch (error) {
    if (options.signal.aborted) {
      options.tell('Interrupted: all processes were stopped.');
      return EXIT.interrupted;
    }
    options.tell(error instanceof Error ? error.message : 'Cannot go on: unknown error.');
    if (!(error instanceof SyntaxError)) return EXIT.failed;
    options.tell(usage);
    return EXIT.usage;
  }
}

async function run(command: EngineCommand, { signal, print, tell }: EngineCliOptions): Promise<void> {
  switch (command.command) {
    case 'help':
      print(usage);
      return;
    case 'inspect': {
      const reports = await inspectEngines({ signal, onProbe: (kind) => tell(`Trying ${kind} …`) });
      if (command.json) print(JSON.stringify({ engines: reports }));
      else for (const line of reportLines(reports, { wanted: process.env['WARDROUND_ENGINE'] || null })) print(line);
      return;
    }
    case 'install': {
      const { kind, tensorFlowVersion } = await installEngine(command.kind, { onProgress: tell, signal });
      print(`TensorFlow ${tensorFlowVersion} (${kind}) is installed. "npm run engine" says how fast it is here.`);
      return;
    }
    default:
      command satisfies never;
  }
}
