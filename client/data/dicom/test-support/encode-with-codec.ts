/** JPEG Baseline, JPEG-LS and JPEG 2000 for tests, through the encoders that come with the codecs. */
import createCharls from '@cornerstonejs/codec-charls/wasmjs';
import createJpeg from '@cornerstonejs/codec-libjpeg-turbo-8bit/wasmjs';
import createOpenJpeg from '@cornerstonejs/codec-openjpeg/wasmjs';

export interface EncodedImage {
  readonly encoding: 'jpeg' | 'jpeg-ls' | 'jpeg-2000';
  readonly rows: number;
  readonly columns: number;
}

const silent = () => ({ print: () => undefined, printErr: () => undefined });

async function createEncoder(encoding: EncodedImage['encoding']): Promise<WebAssemblyEncoder> {
  if (encoding === 'jpeg-ls') return new (await createCharls(silent())).JpegLSEncoder();
  if (encoding === 'jpeg-2000') {
    const encoder = new (await createOpenJpeg(silent())).J2KEncoder();
    encoder.setQuality(true, 0);
    return encoder;
  }
  const encoder = new (await createJpeg(silent())).JPEGEncoder();
  encoder.setProgressive(false);
  encoder.setQuality(95);
  return encoder;
}

/** Lossless but for JPEG Baseline. */
export async function encodeWithCodec(
  pixels: Int16Array | Uint16Array | Uint8Array,
  { encoding, rows, columns }: EncodedImage,
): Promise<Uint8Array> {
  const encoder = await createEncoder(encoding);
  const bitsPerSample = pixels.BYTES_PER_ELEMENT * 8;
  const isSigned = pixels instanceof Int16Array;
  const input = encoder.getDecodedBuffer({ width: columns, height: rows, bitsPerSample, componentCount: 1, isSigned });
  input.set(new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength));
  encoder.encode();
  const bytes = encoder.getEncodedBuffer().slice();
  encoder.delete();
  return new Uint8Array(bytes);
}
