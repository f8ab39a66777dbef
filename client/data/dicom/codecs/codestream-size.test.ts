import { describe, expect, test } from 'vitest';
import { encodeJpegLossless } from '../test-support/encode-jpeg-lossless.ts';
import { encodeWithCodec } from '../test-support/encode-with-codec.ts';
import { jpeg2000Size, jpegSize } from './codestream-size.ts';

const pixels = new Uint16Array(24 * 20).fill(500);

describe('jpegSize()', () => {
  test('reads size, depth and process of lossless JPEG', () => {
    const bytes = encodeJpegLossless(pixels, { rows: 24, columns: 20, precision: 12 });
    expect(jpegSize(bytes)).toEqual({ rows: 24, columns: 20, components: 1, precision: 12, process: 0xc3 });
  });

  test('reads JPEG-LS', async () => {
    const bytes = await encodeWithCodec(pixels, { encoding: 'jpeg-ls', rows: 24, columns: 20 });
    expect(jpegSize(bytes)).toEqual({ rows: 24, columns: 20, components: 1, precision: 16, process: 0xf7 });
  });

  test.each([
    ['nothing', new Uint8Array(0)],
    ['zeros', new Uint8Array(100)],
    ['a start without a frame', Uint8Array.from([0xff, 0xd8, 0xff, 0xd9])],
    ['a segment that leads out of the data', Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff, 0, 0])],
  ])('refuses %s', (_, bytes) => {
    expect(() => jpegSize(bytes)).toThrow('damaged');
  });
});

describe('jpeg2000Size()', () => {
  test('reads size and depth', async () => {
    const bytes = await encodeWithCodec(new Uint16Array(64 * 48), { encoding: 'jpeg-2000', rows: 64, columns: 48 });
    expect(jpeg2000Size(bytes)).toEqual({ rows: 64, columns: 48, components: 1, precision: 16, process: null });
  });

  test('refuses a million tiles', async () => {
    const bytes = await encodeWithCodec(new Uint8Array(128 * 128), { encoding: 'jpeg-2000', rows: 128, columns: 128 });
    const view = new DataView(bytes.buffer);
    view.setUint32(24, 1);
    view.setUint32(28, 1);
    expect(() => jpeg2000Size(bytes)).toThrow('damaged');
  });

  test('refuses anything else', () => {
    expect(() => jpeg2000Size(new Uint8Array(100))).toThrow('damaged');
  });
});
