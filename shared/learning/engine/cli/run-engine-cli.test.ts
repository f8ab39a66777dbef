import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readArguments } from './arguments.ts';
import { runEngineCli } from './run-engine-cli.ts';

async function run(...words: string[]): Promise<{ code: number; printed: string; told: string }> {
  const printed: string[] = [];
  const told: string[] = [];
  const code = await runEngineCli(words, {
    signal: new AbortController().signal,
    print: (line) => printed.push(line),
    tell: (line) => told.push(line),
  });
  return { code, printed: printed.join('\n'), told: told.join('\n') };
}

describe('readArguments()', () => {
  test('knows its commands', () => {
    expect(readArguments([])).toEqual({ command: 'inspect', json: false });
    expect(readArguments(['--json'])).toEqual({ command: 'inspect', json: true });
    expect(readArguments(['install', 'cuda'])).toEqual({ command: 'install', kind: 'cuda' });
    expect(readArguments(['install', '--help'])).toEqual({ command: 'help' });
  });
});

describe('runEngineCli()', () => {
  test.each([
    [['instal', 'native'], 'Cannot run: "instal" is not known here.'],
    [['--frob'], 'Cannot run: "--frob" is not known here.'],
    [['--json', 'native'], 'Cannot run: "native" is not known here.'],
    [['install'], 'Cannot install: native or cuda is needed, found nothing.'],
    [['install', 'wasm'], 'Cannot install: native or cuda is needed, found "wasm".'],
    [['install', 'native', 'cuda'], 'Cannot install: one engine is needed, found also "cuda".'],
  ])('refuses %j with exit code 2, the reason and the usage', async (words, reason) => {
    const { code, printed, told } = await run(...words);
    expect(code).toBe(2);
    expect(told).toContain(reason);
    expect(told).toContain('Usage: npm run engine');
    expect(printed).toBe('');
  });

  test('shows its usage', async () => {
    const { code, printed } = await run('--help');
    expect(code).toBe(0);
    expect(printed).toContain('install native');
  });

  test('stops its processes when interrupted, with exit code 130', async () => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const child = spawn(process.execPath, [main], { stdio: ['ignore', 'ignore', 'pipe'] });
    let told = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (told === '') child.kill('SIGINT');
      told += text;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(130);
    expect(told).toContain('Interrupted: all processes were stopped.');
  });
});
