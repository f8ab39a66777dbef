import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { runCommandLine } from '@wardround/coordinator/cli/run-command-line.ts';
import { expect, test, vi } from 'vitest';

const here = import.meta.dirname;
const text = readFileSync(path.join(here, 'README.md'), 'utf8');

test('README.md names files that are there', () => {
  const named = text.match(/\b(?:deploy\/)?(?:compose|docker|helm|postgresql|samples|systemd)\/[\w./-]*\w/g) ?? [];
  const missing = named.filter((name) => !existsSync(path.join(here, name.replace(/^deploy\//, ''))));
  expect(named.length).toBeGreaterThan(10);
  expect(missing.filter((name) => !name.startsWith('deploy/compose/secrets') && name !== 'systemd/system')).toEqual([]);
});

test('README.md names commands that the coordinator has', async () => {
  const commands = new Set([...text.matchAll(/wardround-coordinator(?::0\.1\.0)? ([a-z]+)/g)].map(([, name]) => name!));
  expect([...commands]).toEqual(expect.arrayContaining(['identity', 'invite', 'status']));
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  for (const name of commands) {
    out.mockClear();
    await runCommandLine([name, '--help']);
    expect(String(out.mock.calls[0]?.[0])).toContain(`wardround-coordinator ${name}`);
  }
  out.mockRestore();
});
