/** Real files in every transfer syntax, against pixel hashes from independent decoders. The data is not part of the project. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { UnusableError } from '../quarantine/unusable-error.ts';
import { storedNumber } from './grey-table.ts';
import { type ImageHeader, readImageHeader } from './image-header.ts';
import { parseHeader } from './parse-header.ts';
import { readFrames } from './read-image-file.ts';

interface Reference {
  readonly file: string;
  readonly transfer_syntax: string;
  readonly photometric: string;
  readonly bits_alloc: string;
  readonly bits_stored: string;
  readonly rows: string;
  readonly cols: string;
  readonly min: string;
  readonly max: string;
  readonly sha256_le_pixels: string;
}

const folder = resolve(import.meta.dirname, '../../../../shared/data/dicom-transfer-syntaxes');
const present = existsSync(resolve(folder, 'expected.csv'));
if (!present)
  console.log('Skipped: reference DICOM files in every transfer syntax are not at ../shared beside the project.');
const references: Reference[] = present
  ? parse(readFileSync(resolve(folder, 'expected.csv')), { columns: true, trim: true })
  : [];

/** Files whose outcome is not simply "the reference's pixels", with what is right instead. */
const EXPECTED_REASONS: Readonly<Record<string, string>> = {
  // The codestream is cut off by a delimiter inside its data; what the reference decoder makes of it are not its pixels.
  'pydicom/JPEG2000-embedded-sequence-delimiter.dcm': 'pixel-data-damaged',
  'pydicom/JPEGLSNearLossless_08.dcm': 'image-size-out-of-bounds',
  'pydicom/JPEGLSNearLossless_16.dcm': 'image-size-out-of-bounds',
  'pydicom/MR_small_padded.dcm': 'pixel-length-mismatch',
};
/** The reference misread the fragments of these; the right pixels are those of the same image in its sibling files. */
const CT0012 = 'b6b202c4af4494a26933ffa7834f9ab6b8a5b4b623f105751e84829abbcdd302';
const RIGHT_HASHES: Readonly<Record<string, string>> = {
  'dicomParser/CT0012.fragmented_no_bot_jpeg_ls.80.dcm': CT0012,
};
/** Near-lossless and misread by the reference: compared with its lossless sibling within the codec's error of 2. */
const NEAR_LOSSLESS = 'dicomParser/CT0012.fragmented_no_bot_jpeg_ls.81.dcm';
const NEAR_LOSSLESS_SIBLING = 'dicomParser/CT0012.explicit_little_endian.dcm';

/** The reference gives this one's 15 signed bits without their sign. */
const WITHOUT_SIGN = 'pydicom-data/JLSL_16_15_1_1F.dcm';

async function decode(file: string): Promise<{ header: ImageHeader; numbers: Int32Array }> {
  const path = resolve(folder, file);
  const parsed = parseHeader(readFileSync(path), { complete: true });
  if (parsed === 'more') throw new TypeError('a whole file cannot need more');
  const header = readImageHeader(parsed, { key: 'test' });
  const frames = await readFrames(path, { header, frames: [...header.frames.keys()] });
  const format = file === WITHOUT_SIGN ? { ...header.format, signed: false } : header.format;
  const numbers = frames.flatMap((frame) => Array.from(frame, (pattern) => storedNumber(pattern, format)));
  return { header, numbers: Int32Array.from(numbers) };
}

function hash(numbers: Int32Array, bitsAllocated: number): string {
  const bytes = bitsAllocated === 8 ? Uint8Array.from(numbers) : new Uint8Array(Int16Array.from(numbers).buffer);
  return createHash('sha256').update(bytes).digest('hex');
}

async function outcome(reference: Reference): Promise<string> {
  try {
    const { header, numbers } = await decode(reference.file);
    if (reference.file === NEAR_LOSSLESS) {
      const lossless = (await decode(NEAR_LOSSLESS_SIBLING)).numbers;
      return numbers.every((value, index) => Math.abs(value - lossless[index]!) <= 2) ? 'same pixels' : 'other pixels';
    }
    if (reference.sha256_le_pixels === '') return 'no reference';
    const right = RIGHT_HASHES[reference.file] ?? reference.sha256_le_pixels;
    return hash(numbers, header.format.bitsAllocated) === right ? 'same pixels' : 'other pixels';
  } catch (error) {
    if (error instanceof UnusableError) return error.reason;
    throw error;
  }
}

/** What the properties of a file demand. */
function expected({
  file,
  transfer_syntax,
  photometric,
  bits_alloc,
  bits_stored,
  sha256_le_pixels,
}: Reference): string {
  const listed = EXPECTED_REASONS[file];
  if (listed !== undefined) return listed;
  if (/\.4\.(53|55)$/.test(transfer_syntax)) return 'jpeg-progressive-unsupported';
  if (/\.4\.20[1-5]$/.test(transfer_syntax)) return 'htj2k-unsupported';
  if (!photometric.startsWith('MONOCHROME') || !['8', '16'].includes(bits_alloc)) return 'pixel-format-unsupported';
  if (transfer_syntax.endsWith('.4.51') && bits_stored === '12') return 'jpeg-12-bit-unsupported';
  return sha256_le_pixels === '' ? 'any reason' : 'same pixels';
}

describe.skipIf(!present)('readFrames() on reference files', () => {
  const images = references.filter(({ rows, sha256_le_pixels }) => rows !== '' && sha256_le_pixels !== '');

  test('has files to compare with', () => {
    expect(images.length).toBeGreaterThan(80);
  });

  test.each(images.map((reference) => [reference.file, reference] as const))('%s', async (_, reference) => {
    expect(await outcome(reference)).toBe(expected(reference));
  });

  const others = references.filter((reference) => !images.includes(reference));
  test.each(
    others.map((reference) => [reference.file, reference] as const),
  )('refuses or reads %s without a crash', async (_, reference) => {
    expect(await outcome(reference)).not.toContain('pixels');
  });
});
