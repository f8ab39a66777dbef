/** Finds the command that is meant, checks its arguments, runs it, and says in words and by its exit code how it ended. */
import { type ArgsDef, type CommandDef, defineCommand, renderUsage, runCommand } from 'citty';
import manifest from '../package.json' with { type: 'json' };
import { abort } from './commands/abort.ts';
import { admit } from './commands/admit.ts';
import { auditVerify } from './commands/audit-verify.ts';
import { list as listEvidence } from './commands/evidence/list.ts';
import { show as showEvidence } from './commands/evidence/show.ts';
import { exportCommand } from './commands/export.ts';
import { identity } from './commands/identity.ts';
import { invite } from './commands/invite.ts';
import { launch } from './commands/launch.ts';
import { pause } from './commands/pause.ts';
import { resume } from './commands/resume.ts';
import { revoke } from './commands/roster/revoke.ts';
import { show as showRoster } from './commands/roster/show.ts';
import { sites } from './commands/sites.ts';
import { start } from './commands/start.ts';
import { status } from './commands/status.ts';
import { type ExitCode, exitCodeOf, exitCodes, UsageError } from './exit-codes.ts';
import { print } from './print.ts';

// biome-ignore lint/suspicious/noExplicitAny: commands differ in their arguments
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
    name: 'wardround-coordinator',
    description:
      'Coordinates studies across sites. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the coordinator or its database cannot be reached or its folder is in use, 4 refused.',
  },
  {
    start: leaf(start),
    identity: leaf(identity),
    invite: leaf(invite),
    sites: leaf(sites),
    admit: leaf(admit),
    roster: group(
      { name: 'roster', description: 'Show who is a member, and take a site out' },
      { show: leaf(showRoster), revoke: leaf(revoke) },
    ),
    study: group(
      { name: 'study', description: 'Launch, pause and end studies' },
      { launch: leaf(launch), pause: leaf(pause), resume: leaf(resume), abort: leaf(abort) },
    ),
    status: leaf(status),
    export: leaf(exportCommand),
    evidence: group(
      { name: 'evidence', description: 'Show what proves that a site broke the protocol' },
      { list: leaf(listEvidence), show: leaf(showEvidence) },
    ),
    audit: group({ name: 'audit', description: 'Check what was logged' }, { verify: leaf(auditVerify) }),
  },
);

export async function runCommandLine(words: readonly string[]): Promise<ExitCode> {
  let chosen = tree;
  let parent: AnyCommand | undefined;
  let rest = words;
  for (let next = chosen.below[rest[0] ?? '']; next !== undefined; next = chosen.below[rest[0] ?? '']) {
    parent = chosen.command;
    chosen = next;
    rest = rest.slice(1);
  }
  const usage = () => renderUsage(chosen.command, parent);
  if (rest.some((word) => word === '--help' || word === '-h')) {
    print(await usage());
    return exitCodes.done;
  }
  if (chosen === tree && rest[0] === '--version') {
    print(manifest.version);
    return exitCodes.done;
  }
  try {
    if (Object.keys(chosen.below).length > 0) {
      throw new UsageError(rest.length === 0 ? 'Say which command to run.' : 'There is no such command.');
    }
    requireKnownOptions(chosen.command.args as ArgsDef, rest);
    await runCommand(chosen.command, { rawArgs: [...rest] });
    return exitCodes.done;
  } catch (error) {
    const isUsage = error instanceof UsageError || isCittyError(error);
    if (isUsage) process.stderr.write(`${await usage()}\n`);
    process.stderr.write(`${explain(error)}\n`);
    return isUsage ? exitCodes.usage : exitCodeOf(error);
  }
}

/** citty ignores what it does not know; a misspelt option must not be taken for consent to the default. */
function requireKnownOptions(args: ArgsDef, words: readonly string[]): void {
  const options = Object.entries(args).filter(([, { type }]) => type !== 'positional');
  const withValue = new Set(options.filter(([, { type }]) => type === 'string').map(([name]) => `--${name}`));
  const positionals = Object.values(args).filter(({ type }) => type === 'positional').length;
  let found = 0;
  for (let index = 0; index < words.length; index++) {
    const [name = '', value] = (words[index] ?? '').split(/=(.*)/s);
    if (!name.startsWith('-')) {
      found += 1;
    } else if (!options.some(([option]) => name === `--${option}`)) {
      throw new UsageError(`There is no option ${/^-{1,2}[a-z-]{1,30}$/.test(name) ? name : 'of this name'} here.`);
    } else if (withValue.has(name) && value === undefined) {
      index += 1;
      if (words[index] === undefined) throw new UsageError(`The option ${name} needs a value.`);
    }
  }
  if (found > positionals) throw new UsageError(`Too many arguments: needed at most ${positionals}, found ${found}.`);
}

function isCittyError(error: unknown): boolean {
  return error instanceof Error && error.name === 'CLIError';
}

/** The sentence of an error that was written for people; of any other, what helps to report it. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return 'Something failed that should not. Please report it.';
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
  return `${error.message}${error.name === 'RefusalError' ? code : ''}`;
}
