/** The command line as a function: arguments in, exit code out. */
import { stripVTControlCharacters } from 'node:util';
import { type ArgsDef, type CommandDef, defineCommand, renderUsage, runCommand } from 'citty';
import { safeSentence } from '../log/safe-error.ts';
import { replay as replayAudit } from './commands/audit/replay.ts';
import { show as showAudit } from './commands/audit/show.ts';
import { verify as verifyAudit } from './commands/audit/verify.ts';
import { doctor } from './commands/doctor.ts';
import { inspect } from './commands/inspect.ts';
import { join } from './commands/join.ts';
import { check as checkPolicy } from './commands/policy/check.ts';
import { show as showPolicy } from './commands/policy/show.ts';
import { approve as approveRoster } from './commands/roster/approve.ts';
import { show as showRoster } from './commands/roster/show.ts';
import { rotate } from './commands/rotate.ts';
import { start } from './commands/start.ts';
import { status } from './commands/status.ts';
import { approve } from './commands/study/approve.ts';
import { diff } from './commands/study/diff.ts';
import { list } from './commands/study/list.ts';
import { revoke } from './commands/study/revoke.ts';
import { show as showStudy } from './commands/study/show.ts';
import { EXIT, exitCodeOf, UsageError } from './exit-codes.ts';

// biome-ignore lint/suspicious/noExplicitAny: each command knows the types of its own arguments
type AnyCommand = CommandDef<any>;

interface CommandTree {
  readonly command: AnyCommand;
  readonly below: Readonly<Record<string, CommandTree>>;
}

const leaf = (command: AnyCommand): CommandTree => ({ command, below: {} });

function group(
  meta: { readonly name: string; readonly description: string },
  below: CommandTree['below'],
): CommandTree {
  const subCommands = Object.fromEntries(Object.entries(below).map(([name, { command }]) => [name, command]));
  return { command: defineCommand({ meta, subCommands }), below };
}

const tree = group(
  {
    name: 'wardround-site',
    description: 'The site client: trains on a hospital’s own data, returns only encrypted updates',
  },
  {
    join: leaf(join),
    start: leaf(start),
    status: leaf(status),
    study: group(
      { name: 'study', description: 'Read, compare, approve and revoke studies' },
      { list: leaf(list), show: leaf(showStudy), diff: leaf(diff), approve: leaf(approve), revoke: leaf(revoke) },
    ),
    policy: group(
      { name: 'policy', description: 'The floors of this site that no study can lower' },
      { show: leaf(showPolicy), check: leaf(checkPolicy) },
    ),
    audit: group(
      { name: 'audit', description: 'What has left this site, and whether the record of it is whole' },
      { show: leaf(showAudit), verify: leaf(verifyAudit), replay: leaf(replayAudit) },
    ),
    roster: group(
      { name: 'roster', description: 'Who is a member, and what waits for this site’s approval' },
      { show: leaf(showRoster), approve: leaf(approveRoster) },
    ),
    rotate: leaf(rotate),
    inspect: leaf(inspect),
    doctor: leaf(doctor),
  },
);

interface Chosen {
  readonly tree: CommandTree;
  readonly parent: AnyCommand | undefined;
  /** The words that name it. */
  readonly names: readonly string[];
  readonly rest: readonly string[];
}

function choose(words: readonly string[]): Chosen {
  let chosen: Chosen = { tree, parent: undefined, names: [], rest: words };
  for (;;) {
    const [name = '', ...rest] = chosen.rest;
    const next = Object.hasOwn(chosen.tree.below, name) ? chosen.tree.below[name] : undefined;
    if (next === undefined) return chosen;
    chosen = { tree: next, parent: chosen.tree.command, names: [...chosen.names, name], rest };
  }
}

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
  const { tree: chosen, parent, names, rest } = choose(rawArguments);
  const { command } = chosen;
  const wantsHelp = rawArguments.some((argument) => argument === '--help' || argument === '-h');
  if (wantsHelp || rawArguments.length === 0) {
    const usage = await renderUsage(command, parent);
    console.log(process.stdout.isTTY ? usage : stripVTControlCharacters(usage));
    return wantsHelp ? EXIT.ok : EXIT.usage;
  }
  try {
    if (Object.keys(chosen.below).length > 0) {
      throw new UsageError(
        rest.length === 0
          ? `Cannot run: say what to do with the ${names.at(-1)}.`
          : 'Cannot run: there is no such command.',
      );
    }
    refuseUnknownOptions(command, rest);
    await runCommand(command, { rawArgs: [...rest] });
    return EXIT.ok;
  } catch (error) {
    const isUsage = error instanceof UsageError || (error instanceof Error && error.name === 'CLIError');
    const sentence =
      error instanceof Error && error.name === 'CLIError'
        ? `Cannot run: ${stripVTControlCharacters(error.message)}.`
        : safeSentence(error);
    console.error(`wardround-site: ${sentence}`);
    if (isUsage) {
      console.error(`Run "${['wardround-site', ...names, '--help'].join(' ')}" for what it takes.`);
      return EXIT.usage;
    }
    return exitCodeOf(error);
  }
}
