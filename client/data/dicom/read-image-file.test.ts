import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { UnusableError } from '../quarantine/unusable-error.ts';
import { readFrames, readHeaderOfFile } from './read-image-file.ts';
import { type CtSlice, ctSlice, discPattern, SYNTAX } from './test-support/ct-slice.ts';
import { encodeJpegLossless } from './test-support/encode-jpeg-lossless.ts';
import { encodeRle } from './test-support/encode-rle.ts';
import { encodeWithCodec } from './test-support/encode-with-codec.ts';
import type { DicomElement, Encapsulated } from './test-support/write-dicom.ts';

const folder = mkdtempSync(join(tmpdir(), 'wardround-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const size = 64;
const pixels = discPattern(size).map((value) => value + 1024);
let files = 0;

function write(bytes: Uint8Array): string {
  files += 1;
  const path = join(folder, `${files}.dcm`);
  writeFileSync(path, bytes);
  return path;
}

async function decode(path: string, frames = [0]): Promise<Int16Array[]> {
  const header = readHeaderOfFile(path, { key: 'test' });
  const samples = await readFrames(path, { header, frames });
  return samples.map((frame) => Int16Array.from(frame, (value) => (value << 16) >> 16));
}

async function refusal(path: string): Promise<string> {
  try {
    await decode(path);
    return 'not refused';
  } catch (error) {
    if (error instanceof UnusableError) return error.reason;
    throw error;
  }
}

const slice = (change: CtSlice) => write(ctSlice({ sizePixels: size, pixels, ...change }));
const one = (fragment: Uint8Array): Encapsulated => ({ fragments: [fragment] });
const bits = { rows: size, columns: size } as const;

describe('readFrames()', () => {
  test.each([
    'implicit',
    'explicit',
    'deflated',
    'bigEndian',
  ] as const)('reads uncompressed pixels, %s', async (name) => {
    expect(await decode(slice({ transferSyntax: SYNTAX[name] }))).toEqual([pixels]);
  });

  test('reads RLE', async () => {
    expect(await decode(slice({ transferSyntax: SYNTAX.rle, encapsulated: one(encodeRle(pixels)) }))).toEqual([pixels]);
  });

  test('reads lossless JPEG', async () => {
    const encapsulated = one(encodeJpegLossless(pixels, { ...bits, precision: 16 }));
    expect(await decode(slice({ transferSyntax: SYNTAX.jpegLossless, encapsulated }))).toEqual([pixels]);
  });

  test.each(['jpeg-ls', 'jpeg-2000'] as const)('reads %s', async (encoding) => {
    const encapsulated = one(await encodeWithCodec(pixels, { encoding, ...bits }));
    const transferSyntax = encoding === 'jpeg-ls' ? SYNTAX.jpegLs : SYNTAX.jpeg2000;
    expect(await decode(slice({ transferSyntax, encapsulated }))).toEqual([pixels]);
  });

  test('reads JPEG Baseline within a mean of 1 and a maximum of 12 of 255 levels', async () => {
    const grey = Uint8Array.from(pixels, (value) => value >> 3);
    const encapsulated = one(await encodeWithCodec(grey, { encoding: 'jpeg', ...bits }));
    const [decoded] = await decode(slice({ transferSyntax: SYNTAX.jpegBaseline, pixels: grey, encapsulated }));
    const differences = decoded!.map((value, index) => Math.abs(value - grey[index]!));
    expect(differences.reduce((sum, difference) => sum + difference, 0) / differences.length).toBeLessThan(1);
    expect(Math.max(...differences)).toBeLessThanOrEqual(12);
  });

  test('joins the fragments of one frame', async () => {
    const bytes = encodeJpegLossless(pixels, { ...bits, precision: 16 });
    const cut = 2 * Math.floor(bytes.length / 6);
    const encapsulated = { fragments: [bytes.subarray(0, cut), bytes.subarray(cut, 2 * cut), bytes.subarray(2 * cut)] };
    expect(await decode(slice({ transferSyntax: SYNTAX.jpegLossless, encapsulated }))).toEqual([pixels]);
  });

  test('gives a codec a fresh start after damaged data', async () => {
    const good = await encodeWithCodec(pixels, { encoding: 'jpeg-ls', ...bits });
    const bad = good.slice();
    bad.fill(0x5a, good.length >> 2);
    const transferSyntax = SYNTAX.jpegLs;
    for (let round = 0; round < 3; round += 1) {
      expect(await refusal(slice({ transferSyntax, encapsulated: one(bad) }))).toBe('pixel-data-damaged');
      expect(await decode(slice({ transferSyntax, encapsulated: one(good) }))).toEqual([pixels]);
    }
  });
});

describe('readFrames() of enhanced CT', () => {
  const second = discPattern(size, 2).map((value) => value + 1024);
  const both = Int16Array.from([...pixels, ...second]);
  const group = (z: number): DicomElement[] => [
    { tag: '00209113', vr: 'SQ', value: [[{ tag: '00200032', vr: 'DS', value: `-100\\-100\\${z}` }]] },
  ];
  const change: Record<string, DicomElement | null> = {
    '00280008': { tag: '00280008', vr: 'IS', value: '2' },
    '00200032': null,
    '00200037': null,
    '00281052': null,
    '00281053': null,
    '52009229': {
      tag: '52009229',
      vr: 'SQ',
      value: [
        [
          { tag: '00209116', vr: 'SQ', value: [[{ tag: '00200037', vr: 'DS', value: '1\\0\\0\\0\\1\\0' }]] },
          {
            tag: '00289145',
            vr: 'SQ',
            value: [
              [
                { tag: '00281052', vr: 'DS', value: '-1024' },
                { tag: '00281053', vr: 'DS', value: '1' },
              ],
            ],
          },
        ],
      ],
    },
    '52009230': { tag: '52009230', vr: 'SQ', value: [group(10), group(15)] },
  };
  const lossless = [pixels, second].map((frame) => encodeJpegLossless(frame, { ...bits, precision: 16 }));

  test('reads geometry and rescale from the functional groups', () => {
    const header = readHeaderOfFile(slice({ pixels: both, change }), { key: 'test' });
    expect(header.frames).toEqual([
      { view: 'axial', locationMillimetres: 10, rescale: { slope: 1, intercept: -1024 } },
      { view: 'axial', locationMillimetres: 15, rescale: { slope: 1, intercept: -1024 } },
    ]);
  });

  test('reads the frames that are asked for', async () => {
    const path = slice({ pixels: both, change });
    expect(await decode(path, [1])).toEqual([second]);
    expect(await decode(path, [1, 0])).toEqual([second, pixels]);
  });

  test('tells compressed frames apart by fragment, by offset table and by end marker', async () => {
    const [a, b] = lossless as [Uint8Array, Uint8Array];
    const even = (length: number) => length + (length % 2);
    const halves = (bytes: Uint8Array) => [bytes.subarray(0, 200), bytes.subarray(200)];
    const offsets = [0, 8 + 200 + 8 + even(a.length - 200)];
    for (const encapsulated of [
      { fragments: [a, b] },
      { fragments: [...halves(a), ...halves(b)], offsets },
      { fragments: [...halves(a), ...halves(b)] },
    ]) {
      const path = slice({ transferSyntax: SYNTAX.jpegLossless, pixels: both, change, encapsulated });
      expect(await decode(path, [0, 1])).toEqual([pixels, second]);
    }
  });

  test('refuses frames that cannot be told apart', async () => {
    const encapsulated = {
      fragments: [lossless[0]!.subarray(0, 100), lossless[0]!.subarray(100), lossless[1]!, lossless[1]!],
    };
    const path = slice({ transferSyntax: SYNTAX.jpegLossless, pixels: both, change, encapsulated });
    expect(await refusal(path)).toBe('frames-not-found');
  });
});

describe('readHeaderOfFile()', () => {
  test('refuses what lies in no file', async () => {
    expect(await refusal(join(folder, 'nowhere.dcm'))).toBe('file-unreadable');
    expect(await refusal(folder)).toBe('file-unreadable');
  });

  test('refuses a file that ends inside its pixels', async () => {
    const bytes = ctSlice({ sizePixels: size, pixels });
    expect(await refusal(write(bytes.subarray(0, bytes.length - 100)))).toBe('pixel-data-truncated');
  });

  test('refuses pixel data of another length', async () => {
    expect(await refusal(slice({ pixels: pixels.subarray(0, -2) }))).toBe('pixel-length-mismatch');
    expect(await refusal(slice({ pixels: Int16Array.from([...pixels, 0]) }))).toBe('pixel-length-mismatch');
  });

  test('refuses a compressed image of another size than the header says', async () => {
    const bytes = await encodeWithCodec(new Int16Array(256 * 256), { encoding: 'jpeg-2000', rows: 256, columns: 256 });
    const path = slice({ transferSyntax: SYNTAX.jpeg2000, encapsulated: one(bytes) });
    expect(await refusal(path)).toBe('codestream-mismatch');
  });

  test('refuses 12-bit lossy JPEG by name', async () => {
    const bytes = encodeJpegLossless(pixels, { ...bits, precision: 12 });
    bytes[bytes.findIndex((byte, index) => byte === 0xff && bytes[index + 1] === 0xc3) + 1] = 0xc1;
    const path = slice({ transferSyntax: '1.2.840.10008.1.2.4.51', encapsulated: one(bytes) });
    expect(await refusal(path)).toBe('jpeg-12-bit-unsupported');
  });

  test.each<[string, string, Record<string, DicomElement | null>]>([
    ['no pixels', 'image-attributes-missing', { '00280010': null }],
    ['one row', 'image-size-out-of-bounds', { '00280010': { tag: '00280010', vr: 'US', value: [1] } }],
    ['65,535 columns', 'image-size-out-of-bounds', { '00280011': { tag: '00280011', vr: 'US', value: [65_535] } }],
    ['colour', 'pixel-format-unsupported', { '00280004': { tag: '00280004', vr: 'CS', value: 'RGB' } }],
    ['32 bits', 'pixel-format-unsupported', { '00280100': { tag: '00280100', vr: 'US', value: [32] } }],
    [
      'more bits stored than allocated',
      'image-attributes-missing',
      { '00280101': { tag: '00280101', vr: 'US', value: [17] } },
    ],
    [
      'a count of frames that is none',
      'image-attributes-missing',
      { '00280008': { tag: '00280008', vr: 'IS', value: '1A' } },
    ],
    ['too many frames', 'image-size-out-of-bounds', { '00280008': { tag: '00280008', vr: 'IS', value: '99999' } }],
    ['another modality', 'not-ct', { '00080060': { tag: '00080060', vr: 'CS', value: 'MR' } }],
    [
      'a screen',
      'secondary-capture',
      { '00080016': { tag: '00080016', vr: 'UI', value: '1.2.840.10008.5.1.4.1.1.7' } },
    ],
    [
      'a localiser',
      'localiser-image',
      { '00080008': { tag: '00080008', vr: 'CS', value: 'ORIGINAL\\PRIMARY\\LOCALIZER' } },
    ],
    ['a projection', 'derived-image', { '00080008': { tag: '00080008', vr: 'CS', value: 'DERIVED\\PRIMARY\\MIP' } }],
    ['burned-in names', 'burned-in-annotation', { '00280301': { tag: '00280301', vr: 'CS', value: 'YES' } }],
  ])('refuses %s', async (_, reason, change) => {
    expect(await refusal(slice({ change }))).toBe(reason);
  });
});
