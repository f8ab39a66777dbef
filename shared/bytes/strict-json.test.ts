import { describe, expect, test } from 'vitest';
import { parseStrictJson } from './strict-json.ts';

describe('parseStrictJson()', () => {
  test.each([
    '{}',
    'null',
    '"a:b"',
    '{"a":{"a":[{"a":1},{"a":2}]},"b":"a"}',
    '[["a","a"],{"a":"a","b":"a"}]',
    '{"a\\"":1,"a":2,"\\\\":3, "c" : "{\\"a\\":1,\\"a\\":1}"}',
    '{"__proto__":1,"constructor":2}',
  ])('reads %s as JSON.parse does', (text) => {
    expect(parseStrictJson(text)).toEqual(JSON.parse(text));
  });

  test.each([
    '{"a":1,"a":1}',
    '{"a":1,"b":2,"a" :3}',
    '[{"a":{"x":1, "y":[], "x":2}}]',
    '{"a":1,"\\u0061":2}',
    '{"__proto__":1,"__proto__":2}',
    '{"a":{"b":1},"a":1}',
  ])('refuses the repeated name in %s', (text) => {
    expect(() => parseStrictJson(text)).toThrow('two members have the same name');
  });

  test('tells where a text is not JSON, if the engine does, and never repeats it', () => {
    expect(() => parseStrictJson('{\n  "secret": 1,\n}')).toThrow('line 3 column 1');
    for (const text of ['', '{', '{"secret":}', 'secret', '"sec\nret"', '[1,]']) {
      expect(() => parseStrictJson(text)).toThrow(SyntaxError);
      expect(() => parseStrictJson(text)).not.toThrow(/sec/);
    }
  });

  test('reads deep and long texts', () => {
    expect(parseStrictJson(`${'['.repeat(5000)}${']'.repeat(5000)}`)).toHaveLength(1);
    expect(parseStrictJson(`{"a":"${'\\n'.repeat(1_000_000)}"}`)).toHaveProperty('a.length', 1_000_000);
  });
});
