import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { UnusableError } from '../quarantine/unusable-error.ts';
import { LIMITS } from './limits.ts';
import { parseHeader } from './parse-header.ts';
import { TAGS } from './tags.ts';
import { ctSlice, SYNTAX } from './test-support/ct-slice.ts';
import { type DicomElement, writeDicom } from './test-support/write-dicom.ts';

/** The reason that parsing the bytes is refused for; a note when it is not. */
function refusal(bytes: Uint8Array): string {
  try {
    parseHeader(bytes, { complete: true });
    return 'not refused';
  } catch (error) {
    if (error instanceof UnusableError) return error.reason;
    throw error;
  }
}

function parsed(bytes: Uint8Array) {
  const header = parseHeader(bytes, { complete: true });
  if (header === 'more') throw new TypeError('a whole file cannot need more');
  return header;
}

const implicit = { transferSyntax: SYNTAX.implicit } as const;

describe('parseHeader()', () => {
  test.each(
    Object.entries(SYNTAX).filter(([name]) => ['implicit', 'explicit', 'deflated', 'bigEndian'].includes(name)),
  )('finds the pixel data of %s files', (_, transferSyntax) => {
    const header = parsed(ctSlice({ transferSyntax, sizePixels: 32 }));
    expect(header.elements[TAGS.pixelData]?.length).toBe(2 * 32 * 32);
  });

  test('asks for more when the header goes on behind the bytes', () => {
    const bytes = ctSlice({ change: { '00091010': { tag: '00091010', vr: 'OB', value: new Uint8Array(3000) } } });
    for (const length of [140, 170, 300, 1000, 2500]) {
      expect(parseHeader(bytes.subarray(0, length), { complete: false })).toBe('more');
    }
    expect(parseHeader(bytes.subarray(0, 4000), { complete: false })).not.toBe('more');
  });

  test.each([
    ['nothing', new Uint8Array(0)],
    ['a text', new TextEncoder().encode('patient;age\n1;70\n'.repeat(20))],
    ['zeros', new Uint8Array(500)],
  ])('refuses %s as no DICOM', (_, bytes) => {
    expect(refusal(bytes)).toBe('not-dicom');
  });

  test('refuses a file that ends inside its header', () => {
    const bytes = ctSlice();
    expect(refusal(bytes.subarray(0, 300))).toBe('dicom-malformed');
  });

  test.each([
    ['1.2.840.10008.1.2.4.53', 'jpeg-progressive-unsupported'],
    ['1.2.840.10008.1.2.4.55', 'jpeg-progressive-unsupported'],
    ['1.2.840.10008.1.2.4.201', 'htj2k-unsupported'],
    ['1.2.840.10008.1.2.4.100', 'transfer-syntax-unsupported'],
    ['constructor', 'transfer-syntax-unsupported'],
  ])('refuses transfer syntax %s as %s', (transferSyntax, reason) => {
    expect(refusal(ctSlice({ transferSyntax }))).toBe(reason);
  });

  test('refuses more elements than the limit instead of filling the memory with them', () => {
    const one = Buffer.from([0x09, 0x00, 0x10, 0x10, 0x00, 0x00, 0x00, 0x00]);
    const head = writeDicom({ ...implicit, elements: [] });
    const bytes = Buffer.concat([
      head,
      ...Array.from({ length: 4 }, () => Buffer.alloc(one.length * LIMITS.elements, one)),
    ]);
    expect(refusal(new Uint8Array(bytes))).toBe('dicom-too-many-elements');
  });

  test('refuses sequences nested without end', () => {
    const deep = Buffer.from([
      0x08, 0x00, 0x40, 0x11, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0xff,
    ]);
    const head = writeDicom({ ...implicit, elements: [] });
    const bytes = Buffer.concat([head, Buffer.alloc(deep.length * 100_000, deep)]);
    expect(refusal(new Uint8Array(bytes))).toBe('dicom-nested-too-deep');
  });

  test('refuses a deflated file that unpacks without end', () => {
    const head = writeDicom({ transferSyntax: SYNTAX.deflated, elements: [] });
    const bomb = deflateRawSync(Buffer.alloc(LIMITS.inflatedBytes + 1));
    expect(bomb.length).toBeLessThan(1024 * 1024);
    expect(refusal(new Uint8Array(Buffer.concat([head.subarray(0, head.length - 2), bomb])))).toBe(
      'inflated-too-large',
    );
  });

  test('steps over value representations newer than the parser', () => {
    const newer: DicomElement = { tag: '7fe00001', vr: 'OV', value: new Uint8Array(16) };
    expect(parsed(ctSlice({ change: { '7fe00001': newer } })).elements[TAGS.pixelData]?.length).toBe(2 * 32 * 32);
  });

  test('does not take the picture inside an icon for the image', () => {
    const icon: DicomElement = {
      tag: '00880200',
      vr: 'SQ',
      value: [[{ tag: '7fe00010', vr: 'OB', value: new Uint8Array(64) }]],
    };
    for (const transferSyntax of [SYNTAX.explicit, SYNTAX.implicit]) {
      const header = parsed(ctSlice({ transferSyntax, change: { '00880200': icon } }));
      expect(header.elements[TAGS.pixelData]?.length).toBe(2 * 32 * 32);
    }
  });
});
