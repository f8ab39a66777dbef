/**
 * What a compressed image says of its own size, read before a decoder sees it: a codestream that claims another size than
 * the DICOM header is refused, so no decoder allocates more than the header's bounds allow.
 */
import { UnusableError } from '../../quarantine/unusable-error.ts';

export interface CodestreamSize {
  readonly rows: number;
  readonly columns: number;
  readonly components: number;
  /** Bits per sample. */
  readonly precision: number;
  /** The JPEG start-of-frame marker's low byte; null for JPEG 2000. */
  readonly process: number | null;
}

const MARKERS_WITHOUT_LENGTH = new Set([0x01, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8]);
/** SOF0 to SOF15 without DHT, JPG and DAC, and JPEG-LS's SOF55. */
const START_OF_FRAME = new Set([0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf, 0xf7]);

/**
 * JPEG and JPEG-LS (ITU-T T.81 B.2.2, T.87 C.2.2).
 *
 * @throws {UnusableError} when there is no start of frame.
 */
export function jpegSize(bytes: Uint8Array): CodestreamSize {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) throw new UnusableError('pixel-data-damaged');
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) throw new UnusableError('pixel-data-damaged');
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (MARKERS_WITHOUT_LENGTH.has(marker)) {
      at += 2;
      continue;
    }
    if (START_OF_FRAME.has(marker)) {
      if (at + 10 > bytes.length) break;
      return {
        process: marker,
        precision: view.getUint8(at + 4),
        rows: view.getUint16(at + 5),
        columns: view.getUint16(at + 7),
        components: view.getUint8(at + 9),
      };
    }
    at += 2 + view.getUint16(at + 2);
  }
  throw new UnusableError('pixel-data-damaged');
}

/**
 * JPEG 2000 (ITU-T T.800 A.5.1): SIZ follows the start of the codestream.
 *
 * @throws {UnusableError} when it does not, or when the tiles are absurd.
 */
export function jpeg2000Size(bytes: Uint8Array): CodestreamSize {
  if (bytes.length < 44) throw new UnusableError('pixel-data-damaged');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0) !== 0xff4fff51) throw new UnusableError('pixel-data-damaged');
  const columns = view.getUint32(8) - view.getUint32(16);
  const rows = view.getUint32(12) - view.getUint32(20);
  const tileColumns = view.getUint32(24);
  const tileRows = view.getUint32(28);
  if (tileColumns === 0 || tileRows === 0) throw new UnusableError('pixel-data-damaged');
  // T.800 allows 65,535 tiles; each costs the decoder memory before any pixel is read.
  if (Math.ceil(columns / tileColumns) * Math.ceil(rows / tileRows) > 4096)
    throw new UnusableError('pixel-data-damaged');
  return { rows, columns, components: view.getUint16(40), precision: (view.getUint8(42) & 0x7f) + 1, process: null };
}
