/** CharLS, OpenJPEG and libjpeg-turbo as WebAssembly: each loaded at its first image and thrown away after a failure. */
import { UnusableError } from '../../quarantine/unusable-error.ts';
import { type CodestreamSize, jpeg2000Size, jpegSize } from './codestream-size.ts';
import { createSamples, type FrameShape, type Samples } from './samples.ts';

type DecoderClass = new () => WebAssemblyDecoder;

/**
 * The codecs print their warnings about an image; nothing about an image is printed here. A codec takes the object that it
 * is given for its own, so each needs a new one.
 */
function silent(): CodecOptions {
  return { print: () => undefined, printErr: () => undefined };
}

const LOADERS = {
  jpeg: async () =>
    (await (await import('@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs')).default(silent())).JPEGDecoder,
  'jpeg-ls': async () =>
    (await (await import('@cornerstonejs/codec-charls/decodewasmjs')).default(silent())).JpegLSDecoder,
  'jpeg-2000': async () =>
    (await (await import('@cornerstonejs/codec-openjpeg/decodewasmjs')).default(silent())).J2KDecoder,
} satisfies Record<string, () => Promise<DecoderClass>>;

export type WebAssemblyEncoding = keyof typeof LOADERS;

const loaded = new Map<WebAssemblyEncoding, DecoderClass>();

const SOF_BASELINE = 0xc0;
const SOF_EXTENDED = 0xc1;

/** Refuses what the codec cannot do or what contradicts the DICOM header, before the codec allocates anything. */
function checkSize(
  size: CodestreamSize,
  { encoding, shape }: { encoding: WebAssemblyEncoding; shape: FrameShape },
): void {
  if (encoding === 'jpeg') {
    if (size.process !== SOF_BASELINE && size.process !== SOF_EXTENDED)
      throw new UnusableError('jpeg-progressive-unsupported');
    if (size.precision !== 8) throw new UnusableError('jpeg-12-bit-unsupported');
  }
  const same = size.rows === shape.rows && size.columns === shape.columns && size.components === 1;
  if (!same || size.precision > shape.bitsAllocated) throw new UnusableError('codestream-mismatch');
}

/** The codec gives one byte for precisions up to 8 and two above; a frame has what `bitsAllocated` says. */
function toSamples(bytes: Uint8Array, { shape, signed }: { shape: FrameShape; signed: boolean }): Samples {
  const samples = createSamples(shape);
  if (bytes.length === samples.byteLength) {
    new Uint8Array(samples.buffer).set(bytes);
    return samples;
  }
  if (bytes.length !== samples.length) throw new UnusableError('pixel-data-damaged');
  for (let pixel = 0; pixel < bytes.length; pixel += 1)
    samples[pixel] = signed ? (bytes[pixel]! << 24) >> 24 : bytes[pixel]!;
  return samples;
}

/** @throws {UnusableError} when the codestream is damaged, unsupported or another image than the header says. */
export async function decodeWithWebAssembly(
  bytes: Uint8Array,
  { encoding, shape }: { encoding: WebAssemblyEncoding; shape: FrameShape },
): Promise<Samples> {
  checkSize(encoding === 'jpeg-2000' ? jpeg2000Size(bytes) : jpegSize(bytes), { encoding, shape });
  const Decoder = loaded.get(encoding) ?? (await LOADERS[encoding]());
  loaded.set(encoding, Decoder);
  let samples: Samples;
  try {
    const decoder = new Decoder();
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    const info = decoder.getFrameInfo();
    // OpenJPEG reports a failure as an image without size.
    if (info.width !== shape.columns || info.height !== shape.rows) throw new UnusableError('pixel-data-damaged');
    samples = toSamples(decoder.getDecodedBuffer(), { shape, signed: info.isSigned === true });
    decoder.delete();
  } catch (error) {
    // C++ exceptions arrive as numbers and leave the decoder's memory behind, so the whole codec is dropped.
    loaded.delete(encoding);
    throw error instanceof UnusableError ? error : new UnusableError('pixel-data-damaged');
  }
  return samples;
}
