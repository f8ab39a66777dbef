import { decodeFrame } from '@wardround/client/data/dicom/codecs/decode-frame.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import dicomParser from 'dicom-parser';
import { beforeAll, describe, expect, test } from 'vitest';
import { northgate } from '../sites/northgate.ts';
import { riverside } from '../sites/riverside.ts';
import type { CtImage, CtSeries, CtStudy } from './ct-image.ts';
import { encodeCtImage } from './ct-image.ts';
import type { TransferSyntaxName } from './dicom-writer.ts';
import type { JpegLsEncoder } from './jpeg-ls-encoder.ts';
import { openJpegLsEncoder } from './jpeg-ls-encoder.ts';
import type { Scanner } from './scanner.ts';

const SIZE = 32;
const series: CtSeries = {
  uid: '2.25.2',
  number: 2,
  description: 'Chest axial',
  imageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
  orientation: [1, 0, 0, 0, 1, 0],
  pixelSpacingMillimetres: 2.8125,
};

function studyWith(scanner: Scanner): CtStudy {
  return {
    institution: 'TEST',
    scanner,
    patient: { id: 'T-1', sex: 'female', ageYears: 64 },
    date: '20240301',
    studyUid: '2.25.1',
    frameOfReferenceUid: '2.25.3',
    contrastMedium: false,
  };
}

function imageWith(lowest: number, highest: number): CtImage {
  const random = createRandom('pixels');
  return {
    sopInstanceUid: '2.25.4',
    instanceNumber: 3,
    position: [-43.59375, -43.59375, -120],
    sizePixels: SIZE,
    stored: Int32Array.from({ length: SIZE * SIZE }, () => lowest + random.int(highest - lowest + 1)),
  };
}

let jpegLs: JpegLsEncoder;
beforeAll(async () => {
  jpegLs = await openJpegLsEncoder();
});

describe('encodeCtImage()', () => {
  test.each([
    ['explicitLittleEndian', 'native'],
    ['implicitLittleEndian', 'native'],
    ['rleLossless', 'rle'],
    ['jpegLsLossless', 'jpeg-ls'],
  ] as const)('keeps every pixel: %s', async (transferSyntax: TransferSyntaxName, encoding) => {
    const image = imageWith(0, 4095);
    const bytes = encodeCtImage(studyWith(riverside.scanner), series, { image, encoding: { transferSyntax, jpegLs } });
    const { elements } = dicomParser.parseDicom(bytes);
    const { dataOffset, length, fragments } = elements['x7fe00010']!;
    const frame = fragments?.[0]
      ? { from: fragments[0].position, length: fragments[0].length }
      : { from: dataOffset, length };
    const decoded = await decodeFrame(bytes.slice(frame.from, frame.from + frame.length), {
      encoding,
      shape: { rows: SIZE, columns: SIZE, bitsAllocated: 16 },
      bigEndian: false,
    });
    expect(Array.from(decoded)).toEqual(Array.from(image.stored));
  });

  test('says where the slice lies and what its numbers mean', () => {
    const image = imageWith(-2000, 3000);
    const encoding = { transferSyntax: 'explicitLittleEndian', jpegLs } as const;
    const data = dicomParser.parseDicom(encodeCtImage(studyWith(northgate.scanner), series, { image, encoding }));
    expect(data.string('x00080008')).toBe('ORIGINAL\\PRIMARY\\AXIAL');
    expect(data.string('x00080060')).toBe('CT');
    expect(data.string('x00100020')).toBe('T-1');
    expect(data.string('x00101010')).toBe('064Y');
    expect(data.string('x00200032')).toBe('-43.594\\-43.594\\-120');
    expect(data.string('x00200037')).toBe('1\\0\\0\\0\\1\\0');
    expect(data.string('x00280030')).toBe('2.813\\2.813');
    expect([data.uint16('x00280101'), data.uint16('x00280102'), data.uint16('x00280103')]).toEqual([16, 15, 1]);
    expect(data.int16('x00280120')).toBe(-2000);
    expect([data.string('x00281052'), data.string('x00281053'), data.string('x00281054')]).toEqual([
      '-1024',
      '1',
      'HU',
    ]);
    expect(data.int16('x7fe00010', 5)).toBe(image.stored[5]);
  });
});
