/** JPEG-LS Lossless (ISO/IEC 14495-1) through CharLS, compiled to WebAssembly: whole-number arithmetic, the same bytes everywhere. */
import { createRequire } from 'node:module';

export interface JpegLsFrame {
  /** Little-endian 16-bit samples, row by row. */
  samples: Uint8Array;
  sizePixels: number;
  bitsStored: number;
}

export type JpegLsEncoder = (frame: JpegLsFrame) => Uint8Array;

/** What is used of the codec, which comes without types. */
interface CharlsEncoder {
  getDecodedBuffer(frame: { width: number; height: number; bitsPerSample: number; componentCount: number }): Uint8Array;
  setNearLossless(error: number): void;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
  delete(): void;
}

const require = createRequire(import.meta.url);

export async function openJpegLsEncoder(): Promise<JpegLsEncoder> {
  const open = require('@cornerstonejs/codec-charls') as () => Promise<{
    JpegLSEncoder: new () => CharlsEncoder;
  }>;
  const { JpegLSEncoder } = await open();
  return ({ samples, sizePixels, bitsStored }) => {
    const encoder = new JpegLSEncoder();
    try {
      const frame = { width: sizePixels, height: sizePixels, bitsPerSample: bitsStored, componentCount: 1 };
      encoder.getDecodedBuffer(frame).set(samples);
      encoder.setNearLossless(0);
      encoder.encode();
      // The encoder's buffer goes with it.
      return Uint8Array.from(encoder.getEncodedBuffer());
    } finally {
      encoder.delete();
    }
  };
}
