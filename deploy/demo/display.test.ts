import { describe, expect, test } from 'vitest';
import { createDisplay } from './display.ts';
import type { StudyProgress } from './study-progress.ts';

const progress: StudyProgress = {
  phase: 'evaluating',
  place: null,
  elapsedSeconds: 3,
  sites: [{ site: 'northgate', said: null, leftOut: null }],
};

function recorder(isTTY: boolean) {
  const written: string[] = [];
  return { written, isTTY, columns: 60, write: (text: string) => written.push(text) };
}

describe('createDisplay()', () => {
  test('repaints on a terminal: what was painted is erased before the next lines', () => {
    const output = recorder(true);
    const display = createDisplay(output, {});
    display.show(progress);
    display.show(progress);
    display.say('done');
    expect(output.written[0]).not.toContain('\u001b[2A');
    expect(output.written[1]!.startsWith('\u001b[2A\u001b[0J')).toBe(true);
    expect(output.written.slice(2)).toEqual(['\u001b[2A\u001b[0J', 'done\n']);
  });

  test.each([
    ['a pipe', false, {}],
    ['a dumb terminal', true, { TERM: 'dumb' }],
    ['a build machine', true, { CI: '1' }],
  ])('writes plain lines to %s', (_, isTTY, environment) => {
    const output = recorder(isTTY);
    const display = createDisplay(output, environment);
    display.hint('passing');
    display.show(progress);
    display.show(progress);
    display.say('done');
    expect(output.written).toEqual(['[3 s] each hospital trains alone, for comparison, and evaluates\n', 'done\n']);
  });

  test('honours NO_COLOR', () => {
    const output = recorder(true);
    createDisplay(output, { NO_COLOR: '1' }).show(progress);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are written with the escape character
    expect(output.written.join('')).not.toMatch(/\u001b\[\d+m/);
  });
});
