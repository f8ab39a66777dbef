import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { findAdapter } from './find-adapter.ts';

/** A probe of one's own, run as the real one is. */
async function withProbe(source: string, { timeoutMillis = 20_000 } = {}): ReturnType<typeof findAdapter> {
  const folder = await mkdtemp(path.join(tmpdir(), 'wardround-probe-'));
  try {
    const probe = path.join(folder, 'probe.mjs');
    await writeFile(probe, source);
    return await findAdapter({ probe, timeoutMillis });
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('findAdapter()', () => {
  test('asks the real driver and gives an adapter or a reason', async () => {
    const found = await findAdapter();
    if (typeof found === 'string') expect(found).toMatch(/^(WebGPU found no|The graphics driver) .*\.$/);
    else expect(found).toMatchObject({ vendor: expect.any(String), isFallbackAdapter: expect.any(Boolean) });
  });

  test('reads the last line only: drivers print advice of their own', async () => {
    const found = await withProbe(`console.log('driver 1.0'); console.log('{"vendor":"v"}');`);
    expect(found).toEqual({ vendor: 'v' });
    expect(await withProbe(`console.log('null')`)).toBe('WebGPU found no graphics card with a driver that it can use.');
  });

  test('outlives a driver that crashes', async () => {
    expect(await withProbe('process.abort()')).toBe('The graphics driver failed when WebGPU asked for it (SIGABRT).');
    expect(await withProbe(`throw new Error('/home/someone')`)).toBe(
      'The graphics driver failed when WebGPU asked for it (exit code 1).',
    );
    expect(await withProbe(`console.log('not JSON')`)).toBe('The graphics driver gave WebGPU no readable answer.');
  });

  test('gives up on a driver that hangs', async () => {
    expect(await withProbe('for (;;);', { timeoutMillis: 500 })).toBe(
      'The graphics driver did not answer WebGPU within 0.5 seconds.',
    );
  });
});
