/** SECURITY.md names for every promise the test that proves it: each must be there, and hold what the page says of it. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const page = readFileSync(path.join(root, 'SECURITY.md'), 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| '));
const testsIn = (text: string): string[] => [...text.matchAll(/`([^`]+\.test\.ts)`/g)].map(([, file]) => file!);

describe('SECURITY.md', () => {
  test('names test files that exist', () => {
    const named = testsIn(page);
    expect(named.length).toBeGreaterThan(40);
    const missing = named.filter((pattern) => globSync(pattern, { cwd: root }).length === 0);
    expect(missing).toEqual([]);
  });

  test.each(Array.from({ length: 9 }, (_, index) => `P${index + 1}`))('names tests for %s', (promise) => {
    const row = rows.filter((line) => line.startsWith(`| ${promise} |`));
    expect(row).toHaveLength(1);
    expect(testsIn(row[0]!).length).toBeGreaterThan(0);
  });

  test('names attacks as their tests do', () => {
    const attacks = [...page.matchAll(/`([^`]+\.test\.ts)` \(([^)]+)\)/g)];
    expect(attacks.length).toBeGreaterThan(5);
    for (const [, file, names] of attacks) {
      const source = readFileSync(path.join(root, file!), 'utf8');
      for (const [, name] of names!.matchAll(/\*([^*]+)\*/g)) expect(source, file).toContain(`describe('${name}'`);
    }
  });
});
