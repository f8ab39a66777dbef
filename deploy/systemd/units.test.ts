import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { notUnderstood, type Program, readsVariable } from '../docker/testing/program-commands.ts';

const here = import.meta.dirname;
const checkout = path.resolve(here, '../..');
const units = [
  { program: 'wardround-coordinator', settings: 'coordinator.env' },
  { program: 'wardround-site', settings: 'site.env' },
] as const satisfies readonly { program: Program; settings: string }[];
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!hasSystemd) console.warn('systemd units: checked by their text alone, systemd-analyze is not installed');

/** The values of every `Name=value` line, by name, in order. */
function settingsOf(file: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [, name = '', value = ''] of readFileSync(file, 'utf8').matchAll(/^([A-Z][A-Za-z_]+)=(.*)$/gm)) {
    found.set(name, [...(found.get(name) ?? []), value]);
  }
  return found;
}

describe.each(units)('$program.service', ({ program, settings }) => {
  const file = path.join(here, `${program}.service`);
  const unit = settingsOf(file);

  test('starts a program that is there with what it knows', () => {
    const [node, script = '', ...words] = (unit.get('ExecStart')?.[0] ?? '').split(' ');
    expect(node).toBe('/usr/bin/node');
    expect(existsSync(script.replace('/opt/wardround', checkout))).toBe(true);
    expect(notUnderstood(program, words)).toEqual([]);
  });

  test('uses variables that its sample or systemd sets', () => {
    const given = readFileSync(path.join(here, '../samples', settings), 'utf8').match(/^[A-Z_]+(?==)/gm) ?? [];
    const used = [...(unit.get('ExecStart')?.[0] ?? '').matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name]) => name);
    expect(used).toEqual(expect.arrayContaining(given));
    expect([...given, 'STATE_DIRECTORY']).toEqual(expect.arrayContaining(used));
    expect(unit.get('StateDirectory')).toHaveLength(1);
    const optional = readFileSync(path.join(here, '../samples', settings), 'utf8').matchAll(/^# ([A-Z_0-9]+)=/gm);
    for (const [, name = ''] of optional) expect([name, readsVariable(program, name)]).toEqual([name, true]);
  });

  test('has no rights that it does not need', () => {
    expect(Object.fromEntries(unit)).toMatchObject({
      NoNewPrivileges: ['yes'],
      CapabilityBoundingSet: [''],
      ProtectSystem: ['strict'],
      ProtectHome: ['yes'],
      PrivateDevices: ['yes'],
      StateDirectoryMode: ['0700'],
      UMask: ['0077'],
    });
    // V8 compiles at run time.
    expect(unit.has('MemoryDenyWriteExecute')).toBe(false);
  });

  test.skipIf(!hasSystemd)('is exposed little, as systemd judges it', () => {
    const { stdout, status } = spawnSync('systemd-analyze', ['security', '--offline=true', file], { encoding: 'utf8' });
    expect(status).toBe(0);
    expect(Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1])).toBeLessThan(2.5);
    const verified = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    // Whatever else it says is about this machine, which may have no such program or user.
    expect(verified.stderr).not.toMatch(/Unknown|Invalid|Failed to parse|Missing/);
  });
});

describe('coordinator-postgresql.conf', () => {
  test('hands over the file that the coordinator is told to read', () => {
    const dropIn = settingsOf(path.join(here, 'coordinator-postgresql.conf'));
    const [name, file = ''] = (dropIn.get('Environment')?.[0] ?? '').split('=');
    expect(readsVariable('wardround-coordinator', name ?? '')).toBe(true);
    expect(dropIn.get('LoadCredential')?.[0]).toMatch(new RegExp(`^${path.basename(file)}:/`));
  });
});
