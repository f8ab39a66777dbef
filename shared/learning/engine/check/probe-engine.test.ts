import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { probeEngine } from './probe-engine.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'wardround-probe-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A real probe whose native library is this loader. */
async function probeWithNativeLibrary(name: string, load: string): Promise<string> {
  const file = path.join(folder, `${name}.mjs`);
  const run = new URL('run-probe.ts', import.meta.url).href;
  await writeFile(
    file,
    `import { runProbe } from '${run}';
     await runProbe(process.argv[2], { native: async () => { ${load} } });`,
  );
  return file;
}

describe('probeEngine()', () => {
  test('opens, checks and times the real engine', async () => {
    const { values, ...found } = await probeEngine('wasm');
    expect(found).toEqual({
      kind: 'wasm',
      description: expect.stringContaining('WebAssembly'),
      problem: null,
      stepsPerSecond: expect.any(Number),
      brokeDown: false,
    });
    expect(values!['training steps']).toHaveLength(2);
  });

  test('gives the reason of an engine that does not open, and no path', async () => {
    const probe = await probeWithNativeLibrary(
      'breaks',
      `throw Object.assign(new Error('/home/someone/lib.so'), { code: 'ERR_DLOPEN_FAILED' });`,
    );
    const { problem, description } = await probeEngine('native', { probe });
    expect(problem).toMatch(/did not load \(ERR_DLOPEN_FAILED\)\.$/);
    expect(problem).not.toMatch(/home|Cannot open a tensor engine/);
    expect(description).toBeNull();
  });

  test('outlives an engine that crashes its process, and says when', async () => {
    const probe = await probeWithNativeLibrary('crashes', 'process.abort();');
    expect(await probeEngine('native', { probe })).toMatchObject({
      problem: 'Its process ended (SIGABRT) while it was opened.',
      brokeDown: true,
    });
  });

  test('gives up on an engine that hangs', async () => {
    const probe = await probeWithNativeLibrary('hangs', 'for (;;);');
    expect((await probeEngine('native', { probe, timeoutMillis: 2000 })).problem).toBe(
      'It gave no answer within 2 seconds while it was opened.',
    );
  });

  test('ends its process when it is aborted', async () => {
    const probe = await probeWithNativeLibrary('waits', 'for (;;);');
    const controller = new AbortController();
    const probing = probeEngine('native', { probe, signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 200);
    await expect(probing).rejects.toThrow('enough');
  });
});
