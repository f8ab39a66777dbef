import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import { armFailpoint, failpoint } from './failpoint.ts';
import { parseFailpoint } from './parse-failpoint.ts';

const module = new URL('./failpoint.ts', import.meta.url).href;
const program = `
  import { failpoint } from ${JSON.stringify(module)};
  failpoint('unmask', 'before-journal');
  failpoint('unmask', 'after-journal');
  console.log('once');
  failpoint('unmask', 'after-journal');
  console.log('twice');`;

function run(environment: Record<string, string>) {
  const { signal, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, ...environment },
    encoding: 'utf8',
  });
  return { signal, lines: stdout.trim().split('\n') };
}

afterEach(() => armFailpoint(null, () => undefined));

describe('failpoint()', () => {
  test('kills the process at the named passing of the named place, with nothing after it', () => {
    const environment = { WARDROUND_TEST_BUILD: '1', WARDROUND_FAILPOINT: 'unmask:after-journal@2' };
    expect(run(environment)).toEqual({ signal: 'SIGKILL', lines: ['once'] });
  });

  test('does nothing outside of test builds', () => {
    expect(run({ WARDROUND_FAILPOINT: 'unmask:after-journal@2' })).toEqual({ signal: null, lines: ['once', 'twice'] });
  });

  test('strikes once, with the strike of a test in this process', () => {
    const struck: string[] = [];
    armFailpoint('commit:after-ack', () => struck.push('commit'));
    failpoint('commit', 'before-journal');
    failpoint('unmask', 'after-ack');
    expect(struck).toEqual([]);
    failpoint('commit', 'after-ack');
    failpoint('commit', 'after-ack');
    expect(struck).toEqual(['commit']);
  });
});

describe('parseFailpoint()', () => {
  test('reads phase, point and count', () => {
    expect(parseFailpoint('share-keys:after-ack')).toEqual({ phase: 'share-keys', point: 'after-ack', count: 1 });
    expect(parseFailpoint('train:before-journal@12').count).toBe(12);
  });

  test('refuses a place that there is not', () => {
    for (const text of ['', 'unmask', 'unmask:sometime', 'unmask:after-ack@0', 'unmask:after-ack@x']) {
      expect(() => parseFailpoint(text)).toThrow(/needed <phase>:<point>/);
    }
  });
});
