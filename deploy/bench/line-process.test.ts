import { describe, expect, test } from 'vitest';
import { startLineProcess } from './line-process.ts';

const start = (source: string, signal = new AbortController().signal) =>
  startLineProcess(process.execPath, ['--eval', source], { signal });

const echo = `
  console.log('a line of a library');
  console.log('@"ready"');
  process.stdin.on('data', (text) => console.log('@' + JSON.stringify(String(text).trim())));`;

describe('startLineProcess()', () => {
  test('asks and answers in turns, and leaves other lines alone', async () => {
    const child = start(echo);
    expect(await child.ask()).toBe('ready');
    expect(await child.ask('one')).toBe('one');
    expect(await child.ask('two')).toBe('two');
    child.kill();
    await expect(child.ask()).rejects.toThrow('SIGKILL');
  });

  test('says how the process ended and its last words', async () => {
    await expect(start(`console.error('no module'); process.exitCode = 3`).ask()).rejects.toThrow(
      'The process ended (exit code 3). no module',
    );
    await expect(startLineProcess('no-such-program', [], new AbortController()).ask()).rejects.toThrow('ENOENT');
  });

  test('kills the process when it is aborted', async () => {
    const controller = new AbortController();
    const child = start(echo, controller.signal);
    await child.ask();
    const answer = child.ask();
    controller.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
  });
});
