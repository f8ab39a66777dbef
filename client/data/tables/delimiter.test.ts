import { describe, expect, test } from 'vitest';
import { delimiterOf } from './delimiter.ts';
import { splitLine } from './split-line.ts';

describe('delimiterOf()', () => {
  test.each([
    ['Case ID,Age,Sex', ','],
    ['Case ID;Age;Sex', ';'],
    ['gene\tP1\tP2', '\t'],
    ['id|age|sex', '|'],
    ['"Pleural invasion (elastic, visceral, or parietal)";Age', ';'],
    ['single', ','],
  ])('finds it in %s', (line, delimiter) => {
    expect(delimiterOf(line)).toBe(delimiter);
  });
});

describe('splitLine()', () => {
  test.each<[string, string[]]>([
    ['a,b,,d', ['a', 'b', '', 'd']],
    ['"a,1",b', ['a,1', 'b']],
    ['"say ""hm""",2', ['say "hm"', '2']],
    ['"a"x,2', ['ax', '2']],
    ['5" tube,2', ['5" tube', '2']],
    ['"never closed,2', ['never closed,2']],
    ['"a","b",', ['a', 'b', '']],
    ['', ['']],
  ])('splits %s', (line, cells) => {
    expect(splitLine(line, ',')).toEqual(cells);
  });
});
