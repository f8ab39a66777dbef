import { describe, expect, test } from 'vitest';
import { decodeBase64Url, encodeBase64Url } from './base64url.ts';

describe('encodeBase64Url()', () => {
  test.each([
    ['', ''],
    ['f', 'Zg'],
    ['fo', 'Zm8'],
    ['foo', 'Zm9v'],
    ['foobar', 'Zm9vYmFy'],
  ])('gives RFC 4648’s vector for "%s"', (text, encoded) => {
    expect(encodeBase64Url(Buffer.from(text))).toBe(encoded);
    expect(decodeBase64Url(encoded)).toEqual(new Uint8Array(Buffer.from(text)));
  });

  test('uses the two characters that are safe in addresses', () => {
    expect(encodeBase64Url(Uint8Array.of(0xfb, 0xff))).toBe('-_8');
  });

  test('covers exactly the bytes of a view', () => {
    expect(encodeBase64Url(Uint8Array.of(1, 2, 3, 4).subarray(1, 3))).toBe('AgM');
  });
});

describe('decodeBase64Url()', () => {
  test.each(['Zg==', 'Zm8=', 'Zm9v ', 'Zm\n9v', '+/8', 'Zm9v!', 'Zg\u0000', 'A', 'Zh', 'Zm9'])('refuses %j', (text) => {
    expect(() => decodeBase64Url(text)).toThrow(SyntaxError);
  });

  test('refuses another length, and never repeats the text', () => {
    expect(() => decodeBase64Url('Zm9v', { length: 4 })).toThrow('needed 4 bytes, found 3');
    expect(() => decodeBase64Url('c2VjcmV0!')).not.toThrow('c2Vj');
  });
});
