import { describe, expect, test } from 'vitest';
import type { DicomFile } from './dicom-writer.ts';
import { encodeDicomFile } from './dicom-writer.ts';

const file: DicomFile = {
  transferSyntax: 'explicitLittleEndian',
  sopClassUid: '1.2.3',
  sopInstanceUid: '1.2.34',
  implementationClassUid: '2.25.1',
  elements: [
    { tag: 0x00080060, vr: 'CS', value: 'CT' },
    { tag: 0x00100020, vr: 'LO', value: 'ABC' },
    { tag: 0x00280010, vr: 'US', value: 258 },
    { tag: 0x00280120, vr: 'SS', value: -2 },
  ],
  pixelData: Uint8Array.of(1, 2, 3, 4),
};

const text = (value: string) => Buffer.from(value, 'latin1').toString('hex');
const dataSetOf = (bytes: Uint8Array) => {
  const metaLength = Buffer.from(bytes).readUInt32LE(140);
  return Buffer.from(bytes.subarray(144 + metaLength)).toString('hex');
};

describe('encodeDicomFile()', () => {
  test('begins with the preamble and a file meta group whose length counts what follows it', () => {
    const bytes = Buffer.from(encodeDicomFile(file));
    expect(bytes.subarray(0, 128).every((byte) => byte === 0)).toBe(true);
    expect(bytes.subarray(128, 140).toString('hex')).toBe(`${text('DICM')}02000000${text('UL')}0400`);
    const meta = bytes.subarray(144, 144 + bytes.readUInt32LE(140)).toString('hex');
    expect(meta).toBe(
      `02000100${text('OB')}0000020000000001` +
        `02000200${text('UI')}0600${text('1.2.3\0')}` +
        `02000300${text('UI')}0600${text('1.2.34')}` +
        `02001000${text('UI')}1400${text('1.2.840.10008.1.2.1\0')}` +
        `02001200${text('UI')}0600${text('2.25.1')}` +
        `02001300${text('SH')}0e00${text('WARDROUND_DEMO')}`,
    );
  });

  test('writes explicit little-endian elements with even lengths', () => {
    expect(dataSetOf(encodeDicomFile(file))).toBe(
      `08006000${text('CS')}0200${text('CT')}` +
        `10002000${text('LO')}0400${text('ABC ')}` +
        `28001000${text('US')}02000201` +
        `28002001${text('SS')}0200feff` +
        `e07f1000${text('OW')}00000400000001020304`,
    );
  });

  test('writes implicit little-endian elements without representations', () => {
    expect(dataSetOf(encodeDicomFile({ ...file, transferSyntax: 'implicitLittleEndian' }))).toBe(
      `0800600002000000${text('CT')}` +
        `1000200004000000${text('ABC ')}` +
        `28001000020000000201` +
        `2800200102000000feff` +
        `e07f10000400000001020304`,
    );
  });

  test('encapsulates compressed pixel data: empty offset table, one even fragment, delimiter', () => {
    const compressed = {
      ...file,
      transferSyntax: 'jpegLsLossless',
      elements: [],
      pixelData: Uint8Array.of(1, 2, 3),
    } as const;
    expect(dataSetOf(encodeDicomFile(compressed))).toBe(
      [`e07f1000${text('OB')}0000ffffffff`, 'feff00e000000000', 'feff00e00400000001020300', 'feffdde000000000'].join(
        '',
      ),
    );
  });

  test('refuses elements out of order, twice, or beyond the pixel data', () => {
    const [first, second] = file.elements as [DicomFile['elements'][number], DicomFile['elements'][number]];
    expect(() => encodeDicomFile({ ...file, elements: [second, first] })).toThrow(
      new RangeError(
        'Cannot write a DICOM data set: tags must rise and lie before the pixel data, found (0008,0060) after (0010,0020)',
      ),
    );
    expect(() => encodeDicomFile({ ...file, elements: [first, first] })).toThrow(RangeError);
    expect(() => encodeDicomFile({ ...file, elements: [{ tag: 0x7fe10010, vr: 'LO', value: '' }] })).toThrow(
      RangeError,
    );
  });
});
