import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChildFailedError, createChildren, endText } from './children.ts';

let folder: string;
const program = async (name: string, text: string) => {
  const file = path.join(folder, name);
  await writeFile(file, text);
  return pathToFileURL(file);
};
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'children-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function isGone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 100; tries += 1) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await delay(50);
  }
  return false;
}

describe('createChildren()', () => {
  test('runs a program with its arguments and input and gives its output', async () => {
    const file = await program(
      'echo.ts',
      `const words: string[] = process.argv.slice(2);
       for await (const piece of process.stdin) words.push(String(piece));
       process.stdout.write(words.join('+'));`,
    );
    expect(await createChildren().run('echo', { file, arguments: ['a', 'b'] }, { input: 'c' })).toBe('a+b+c');
  });

  test('says who failed, how, and its last words', async () => {
    const file = await program('fail.ts', `console.error('the reason'); process.exit(3);`);
    const failed = createChildren().run('site northgate', { file, arguments: [] });
    await expect(failed).rejects.toThrow(ChildFailedError);
    await expect(failed).rejects.toThrow('site northgate ended with code 3.\n  the reason');
  });

  test('notices a child that was killed from outside', async () => {
    const file = await program('wait.ts', `setInterval(() => {}, 1000);`);
    const child = createChildren().start('wait', { file, arguments: [] });
    child.kill('SIGKILL');
    expect(endText(await child.ended)).toBe('was ended by SIGKILL');
    expect(child.end).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test('makes children stop that do not want to', async () => {
    const file = await program(
      'stubborn.ts',
      `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up');`,
    );
    const children = createChildren();
    const child = children.start('stubborn', { file, arguments: [] });
    while (child.lastLines().length === 0) await delay(20);
    await children.stopAll({ graceMillis: 100 });
    expect(child.end).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await isGone(child.pid)).toBe(true);
  });

  test('leaves no child behind when the parent is killed', async () => {
    const wait = await program('wait.ts', `setInterval(() => {}, 1000);`);
    const module = new URL('./children.ts', import.meta.url).href;
    const parentFile = await program(
      'parent.ts',
      `import { createChildren } from '${module}';
       const child = createChildren().start('wait', { file: new URL('${wait.href}'), arguments: [] });
       console.log(child.pid);
       setInterval(() => {}, 1000);`,
    );
    const parent = spawn(process.execPath, [fileURLToPath(parentFile)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = await new Promise<number>((resolve) => {
      createInterface({ input: parent.stdout }).once('line', (line) => resolve(Number(line)));
    });
    // Until it has started: the guard is loaded before the program.
    await delay(500);
    expect(() => process.kill(pid, 0)).not.toThrow();
    parent.kill('SIGKILL');
    expect(await isGone(pid)).toBe(true);
  });
});
