/** The transfer syntaxes of DICOM PS3.5 section 10 and PS3.6 annex A: how each is written, and whether this client reads it. */
import type { QuarantineReason } from '../quarantine/reasons.ts';

export type PixelEncoding = 'native' | 'rle' | 'jpeg' | 'jpeg-lossless' | 'jpeg-ls' | 'jpeg-2000';

export interface TransferSyntax {
  /** The standard's short name; safe to show. */
  readonly name: string;
  readonly explicit: boolean;
  readonly bigEndian: boolean;
  readonly deflated: boolean;
  readonly pixels: PixelEncoding;
}

const littleEndian = { explicit: true, bigEndian: false, deflated: false } as const;

const SUPPORTED: Readonly<Record<string, TransferSyntax>> = {
  '1.2.840.10008.1.2': { name: 'Implicit VR Little Endian', ...littleEndian, explicit: false, pixels: 'native' },
  '1.2.840.10008.1.2.1': { name: 'Explicit VR Little Endian', ...littleEndian, pixels: 'native' },
  '1.2.840.10008.1.2.1.99': {
    name: 'Deflated Explicit VR Little Endian',
    ...littleEndian,
    deflated: true,
    pixels: 'native',
  },
  '1.2.840.10008.1.2.2': { name: 'Explicit VR Big Endian', ...littleEndian, bigEndian: true, pixels: 'native' },
  '1.2.840.10008.1.2.4.50': { name: 'JPEG Baseline', ...littleEndian, pixels: 'jpeg' },
  '1.2.840.10008.1.2.4.51': { name: 'JPEG Extended', ...littleEndian, pixels: 'jpeg' },
  '1.2.840.10008.1.2.4.57': { name: 'JPEG Lossless', ...littleEndian, pixels: 'jpeg-lossless' },
  '1.2.840.10008.1.2.4.70': { name: 'JPEG Lossless, first-order prediction', ...littleEndian, pixels: 'jpeg-lossless' },
  '1.2.840.10008.1.2.4.80': { name: 'JPEG-LS Lossless', ...littleEndian, pixels: 'jpeg-ls' },
  '1.2.840.10008.1.2.4.81': { name: 'JPEG-LS Near-lossless', ...littleEndian, pixels: 'jpeg-ls' },
  '1.2.840.10008.1.2.4.90': { name: 'JPEG 2000 Lossless', ...littleEndian, pixels: 'jpeg-2000' },
  '1.2.840.10008.1.2.4.91': { name: 'JPEG 2000', ...littleEndian, pixels: 'jpeg-2000' },
  '1.2.840.10008.1.2.5': { name: 'RLE Lossless', ...littleEndian, pixels: 'rle' },
};

/** Processes 6 & 8 and 10 & 12 with their hierarchical relatives, retired in 2001; all are progressive or rarer still. */
const RETIRED_JPEG = /^1\.2\.840\.10008\.1\.2\.4\.(52|53|54|55|56|59|6[0-6])$/;
const HTJ2K = /^1\.2\.840\.10008\.1\.2\.4\.20[1-5]$/;

/** Every header this client meets is written in one of these; encapsulated ones are explicit little endian by the standard. */
export function transferSyntaxOf(uid: string): TransferSyntax | QuarantineReason {
  const syntax = Object.hasOwn(SUPPORTED, uid) ? SUPPORTED[uid] : undefined;
  if (syntax !== undefined) return syntax;
  if (RETIRED_JPEG.test(uid)) return 'jpeg-progressive-unsupported';
  if (HTJ2K.test(uid)) return 'htj2k-unsupported';
  return 'transfer-syntax-unsupported';
}
