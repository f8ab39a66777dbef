import { UnusableError } from '../../quarantine/unusable-error.ts';
import type { PixelEncoding } from '../transfer-syntax.ts';
import { jpegSize } from './codestream-size.ts';
import { decodeJpegLossless } from './jpeg-lossless.ts';
import { decodeNative } from './native.ts';
import { decodeRle } from './rle.ts';
import type { FrameShape, Samples } from './samples.ts';
import { decodeWithWebAssembly } from './webassembly-codec.ts';

export interface EncodedFrame {
  readonly encoding: PixelEncoding;
  readonly shape: FrameShape;
  /** Byte order of uncompressed pixels. */
  readonly bigEndian: boolean;
}

const SOF_LOSSLESS = 0xc3;

function decodeLossless(bytes: Uint8Array, shape: FrameShape): Samples {
  const size = jpegSize(bytes);
  const same = size.rows === shape.rows && size.columns === shape.columns && size.components === 1;
  if (size.process !== SOF_LOSSLESS || !same || size.precision > shape.bitsAllocated) {
    throw new UnusableError('codestream-mismatch');
  }
  return decodeJpegLossless(bytes, shape);
}

/**
 * Decodes one frame. The result may be a view of `bytes`.
 *
 * @throws {UnusableError} when the frame is damaged or not what the header says.
 */
export async function decodeFrame(bytes: Uint8Array, { encoding, shape, bigEndian }: EncodedFrame): Promise<Samples> {
  switch (encoding) {
    case 'native':
      return decodeNative(bytes, { shape, bigEndian });
    case 'rle':
      return decodeRle(bytes, shape);
    case 'jpeg-lossless':
      return decodeLossless(bytes, shape);
    case 'jpeg':
    case 'jpeg-ls':
    case 'jpeg-2000':
      return decodeWithWebAssembly(bytes, { encoding, shape });
    default:
      return encoding satisfies never;
  }
}
