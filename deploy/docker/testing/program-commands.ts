/** Holds the command lines of deployments against the programs' own definitions of their commands. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { start as startSite } from '@wardround/client/cli/commands/start.ts';
import { start as startCoordinator } from '@wardround/coordinator/cli/commands/start.ts';

const checkout = path.resolve(import.meta.dirname, '../../..');
const starts = { 'wardround-coordinator': startCoordinator, 'wardround-site': startSite } as const;
export type Program = keyof typeof starts;

/** What of `start --name=value ...` the program would not understand. */
export function notUnderstood(program: Program, words: readonly string[]): string[] {
  const [command, ...rest] = words;
  if (command !== 'start') return [`not the command start: ${command}`];
  const known = new Map(Object.entries(starts[program].args ?? {}) as [string, { type?: string }][]);
  return rest.filter((word) => {
    const [, name = '', value] = /^--([a-z0-9-]+)(?:=(.+))?$/.exec(word) ?? [];
    const option = known.get(name);
    return option === undefined || (option.type === 'boolean') !== (value === undefined);
  });
}

/** Whether the program, or the library that it reaches the S3 store with, reads this environment variable. */
export function readsVariable(program: Program, name: string): boolean {
  const own = program === 'wardround-coordinator' ? 'coordinator' : 'client';
  const ours = ['--include=*.ts', '--exclude=*.test.ts', name, own, 'shared', 'protocols'];
  const theirs = ['--include=*.js', name, 'node_modules/@aws-sdk', 'node_modules/@smithy'];
  return [ours, ...(own === 'coordinator' ? [theirs] : [])].some(
    (words) => spawnSync('grep', ['-rlw', ...words], { cwd: checkout }).stdout.length > 0,
  );
}
