import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { secureAggregation } from './secure-aggregation.ts';

const folders: string[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

test('secureAggregation measures real sessions in processes of their own, without and with a drop-out', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wardround-bench-test-'));
  folders.push(folder);
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  const json = join(folder, 'figures.json');
  const { signal } = new AbortController();
  await secureAggregation.run(['--sites', '4', '--parameters', '3000', '--repeats', '1', '--json', json], { signal });
  const { machine, date, results } = JSON.parse(await readFile(json, 'utf8'));
  expect(machine.cores).toBeGreaterThan(0);
  expect(Date.parse(date)).not.toBeNaN();
  expect(results).toHaveLength(4);
  for (const [index, result] of results.entries()) {
    const [codeBits, dropouts] = [index < 2 ? 32 : 16, index % 2];
    expect(result).toMatchObject({ sites: 4, neighbours: 3, parameters: 3000, codeBits, dropouts });
    const { site, coordinator, floor, siteSeconds } = result;
    // Its own mask and three neighbours'; four own masks in the sum, or three and the drop-out's three.
    expect([site.masks, coordinator.masks]).toEqual([4, dropouts === 0 ? 4 : 6]);
    const { unmaskSeconds, addSeconds, messageSeconds } = coordinator;
    for (const seconds of [siteSeconds, unmaskSeconds, messageSeconds, floor.oneThread, floor.allCores]) {
      expect(seconds).toBeGreaterThan(0);
    }
    expect(addSeconds).toBeGreaterThan(unmaskSeconds);
    const vectorBytes = (codeBits / 8) * 3000;
    expect(site.upBytes).toBeGreaterThan(vectorBytes);
    expect(site.downBytes).toBeGreaterThan(vectorBytes);
    // What all sites send is what it receives, and the other way round.
    expect(coordinator.inBytes).toBeGreaterThan((4 - dropouts) * site.upBytes * 0.9);
    expect(coordinator.outBytes).toBeGreaterThan((4 - dropouts) * site.downBytes * 0.9);
  }
  expect(lines.join('\n')).toContain('Goals are for 8 sites');
});
