/** The command line as a function: arguments in, exit code out. */
import { stripVTControlCharacters } from 'node:util';
import { type ArgsDef, type CommandDef, defineCommand, renderUsage, runCommand } from 'citty';
import { safeSentence } from '../log/safe-error.ts';
import { approve } from './commands/approve.ts';
import { doctor } from './commands/doctor.ts';
import { inspect } from './commands/inspect.ts';
import { join } from './commands/join.ts';
import { start } from './commands/start.ts';
import { status } from './commands/status.ts';
import { study } from './commands/study.ts';
import { EXIT, exitCodeOf, UsageError } from './exit-codes.ts';

// biome-ignore lint/suspicious/noExplicitAny: each command knows the types of its own arguments
type AnyCommand = CommandDef<any>;

const subCommands: Record<string, AnyCommand> = { join, start, status, study, approve, inspect, doctor };

const root = defineCommand({
  meta: {
    name: 'wardround-site',
    description: 'The site client: trains on a hospital’s own data, returns only encrypted updates',
  },
  subCommands,
});

/** An option that the command does not know would otherwise be ignored without a word. */
function refuseUnknownOptions(command: AnyCommand, rawArguments: readonly string[]): void {
  const known = new Set(Object.keys((command.args ?? {}) as ArgsDef));
  for (const argument of rawArguments) {
    if (argument === '--') return;
    const option = /^--?([^=]*)/.exec(argument)?.[1];
    if (argument.startsWith('-') && argument !== '-' && option !== undefined && !known.has(option)) {
      const shown = /^[\w-]{1,40}$/.test(option) ? ` ${argument.split('=')[0]}` : ' of this kind';
      throw new UsageError(`Cannot run the command: it has no option${shown}.`);
    }
  }
}

export async function runCli(rawArguments: readonly string[]): Promise<number> {
  const [name = '', ...rest] = rawArguments;
  const command = Object.hasOwn(subCommands, name) ? subCommands[name] : undefined;
  const wantsHelp = rawArguments.some((argument) => argument === '--help' || argument === '-h');
  if (wantsHelp || rawArguments.length === 0) {
    const usage = command === undefined ? await renderUsage(root) : await renderUsage(command, root);
    console.log(process.stdout.isTTY ? usage : stripVTControlCharacters(usage));
    return wantsHelp ? EXIT.ok : EXIT.usage;
  }
  try {
    if (command === undefined) throw new UsageError('Cannot run: there is no such command.');
    refuseUnknownOptions(command, rest);
    await runCommand(command, { rawArgs: rest });
    return EXIT.ok;
  } catch (error) {
    const isUsage = error instanceof UsageError || (error instanceof Error && error.name === 'CLIError');
    const sentence =
      error instanceof Error && error.name === 'CLIError'
        ? `Cannot run: ${stripVTControlCharacters(error.message)}.`
        : safeSentence(error);
    console.error(`wardround-site: ${sentence}`);
    if (isUsage) {
      console.error(`Run "wardround-site ${command === undefined ? '' : `${name} `}--help" for what it takes.`);
      return EXIT.usage;
    }
    return exitCodeOf(error);
  }
}
