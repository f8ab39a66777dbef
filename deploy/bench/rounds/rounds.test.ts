import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { rounds } from './rounds.ts';

const folders: string[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

test('rounds measures real processes: masked and sealed rounds, plain HTTP, connected sites', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wardround-bench-test-'));
  folders.push(folder);
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  const json = join(folder, 'figures.json');
  const { signal } = new AbortController();
  await rounds.run(['--quick', '--scratch', folder, '--json', json], { signal });
  const { results, refused, connected } = JSON.parse(await readFile(json, 'utf8'));
  expect(refused).toEqual([]);
  expect(results).toMatchObject([
    { part: 'b', sites: 4, mode: 'secure-aggregation' },
    { part: 'a', sites: 3, mode: 'secure-aggregation' },
    { part: 'd', sites: 1, mode: 'sealed' },
  ]);
  for (const { sites, phases, secondsPerRound, coordinatorPeakBytes, sitePeakBytes } of results) {
    expect(phases).toMatchObject([{ round: 2, participants: sites }]);
    const { deliver, messages, upload, aggregate, total, uploadedBytes } = phases[0];
    expect(deliver + messages + upload + aggregate).toBeCloseTo(total, 1);
    expect(secondsPerRound).toBe(total);
    expect(uploadedBytes).toBeGreaterThan(sites * 20_000);
    expect(Math.min(coordinatorPeakBytes, sitePeakBytes)).toBeGreaterThan(2 ** 25);
  }
  expect(connected).toMatchObject({ sites: 8 });
  expect(connected.hintSeconds.p99).toBeGreaterThan(0);
  expect(connected.workSeconds.p99).toBeGreaterThanOrEqual(connected.hintSeconds.p50);
  expect(lines.join('\n')).toContain('8 sites connected');
  expect(await readdir(folder)).toEqual(['figures.json']);
}, 60_000);
