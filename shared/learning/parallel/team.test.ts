import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { installedEngine } from '../engine/install/installed-engine.ts';
import type { EngineKind } from '../engine/open-engine.ts';
import { startCollectives } from './testing/start-collectives.ts';

const meet = { kind: 'meet' } as const;

const lacksNative = installedEngine('native') === null;

describe('startTeam()', () => {
  test.each<EngineKind>([
    'wasm',
    'native',
  ])('stops all and says which thread failed when one throws while the others wait, on %s', async (engine) => {
    if (engine === 'native' && lacksNative) return;
    const team = startCollectives(3, { engine });
    await team.run([meet, meet, meet]);
    const failing = team.run([meet, { kind: 'throw' }, meet]);
    await expect(failing).rejects.toThrow(
      'Cannot finish the work: thread 2 of 3 failed. Cannot do what the test asked for',
    );
    await expect(team.run([meet, meet, meet])).rejects.toThrow('thread 2 of 3 failed');
  });

  test('says why when a thread cannot start its engine', async () => {
    const team = startCollectives(2, { engine: 'steam' as EngineKind });
    await expect(team.run([meet, meet])).rejects.toThrow('Cannot open a tensor engine');
  });

  test('stops all when a thread ends', async () => {
    const team = startCollectives(3);
    await expect(team.run([meet, meet, { kind: 'exit' }])).rejects.toThrow('thread 3 of 3 ended unexpectedly');
  });

  test('does not wait for ever for a thread that does not come', async () => {
    const team = startCollectives(2, { timeoutMillis: 300 });
    await team.run([meet, meet]);
    await expect(team.run([meet, { kind: 'stay-away' }])).rejects.toThrow('did not come within 0.3 seconds');
  });

  test('rejects what is running when it is stopped', async () => {
    const team = startCollectives(2);
    await team.run([meet, meet]);
    const running = team.run([meet, { kind: 'stay-away' }]);
    setTimeout(team.stop, 50);
    await expect(running).rejects.toThrow('the team of threads has been stopped');
  });

  test('leaves with the reason of the signal, before or during a command', async () => {
    const team = startCollectives(2);
    const leave = new AbortController();
    const running = team.run([meet, { kind: 'stay-away' }], { signal: leave.signal });
    setTimeout(() => leave.abort(new Error('the round has ended')), 50);
    await expect(running).rejects.toThrow('the round has ended');
    await expect(team.run([meet, meet], { signal: leave.signal })).rejects.toThrow('the round has ended');
  });

  test.each<EngineKind>([
    'wasm',
    'native',
  ])('keeps no process alive: neither after stop() nor when it is forgotten, on %s', async (engine) => {
    if (engine === 'native' && lacksNative) return;
    const script = fileURLToPath(new URL('./testing/forgotten-team.ts', import.meta.url));
    const run = promisify(execFile)(process.execPath, [script, engine], { timeout: 20_000 });
    await expect(run).resolves.toMatchObject({ stdout: 'met\n' });
  });
});
