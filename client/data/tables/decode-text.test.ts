import { describe, expect, test } from 'vitest';
import { decodeText } from './decode-text.ts';

describe('decodeText()', () => {
  test.each([
    ['UTF-8', Buffer.from('größe'), true],
    ['UTF-16, little-endian', Buffer.from('\uFEFFgröße', 'utf16le'), true],
    ['UTF-16, big-endian', Buffer.from('\uFEFFgröße', 'utf16le').swap16(), true],
    ['Windows-1252', Buffer.from('größe', 'latin1'), false],
  ])('reads %s', (_, bytes, unicode) => {
    expect(decodeText(bytes)).toEqual({ text: 'größe', unicode });
  });
});
