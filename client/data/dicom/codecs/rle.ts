/** DICOM's RLE (PS3.5 annex G): PackBits over byte planes, the most significant plane first. */
import { UnusableError } from '../../quarantine/unusable-error.ts';
import { createSamples, type FrameShape, type Samples } from './samples.ts';

const HEADER_BYTES = 64;

/** Unpacks one segment into a plane; pixels after a segment's early end are an error, surplus bytes are padding. */
function unpack(segment: Uint8Array, plane: Uint8Array): void {
  let from = 0;
  let to = 0;
  while (to < plane.length && from < segment.length) {
    const control = segment[from]!;
    from += 1;
    if (control < 128) {
      const run = segment.subarray(from, from + control + 1);
      if (run.length !== control + 1 || to + run.length > plane.length) throw new UnusableError('pixel-data-damaged');
      plane.set(run, to);
      from += run.length;
      to += run.length;
    } else if (control > 128) {
      const count = 257 - control;
      if (from >= segment.length || to + count > plane.length) throw new UnusableError('pixel-data-damaged');
      plane.fill(segment[from]!, to, to + count);
      from += 1;
      to += count;
    }
  }
  if (to < plane.length) throw new UnusableError('pixel-data-damaged');
}

/** @throws {UnusableError} when the segments do not hold exactly the image. */
export function decodeRle(bytes: Uint8Array, shape: FrameShape): Samples {
  if (bytes.length < HEADER_BYTES) throw new UnusableError('pixel-data-damaged');
  const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const planes = shape.bitsAllocated / 8;
  if (header.getUint32(0, true) !== planes) throw new UnusableError('codestream-mismatch');
  const samples = createSamples(shape);
  const plane = new Uint8Array(samples.length);
  for (let index = 0; index < planes; index += 1) {
    const start = header.getUint32(4 + 4 * index, true);
    const end = index + 1 < planes ? header.getUint32(8 + 4 * index, true) : bytes.length;
    if (start < HEADER_BYTES || end < start || end > bytes.length) throw new UnusableError('pixel-data-damaged');
    unpack(bytes.subarray(start, end), plane);
    const shift = 8 * (planes - 1 - index);
    for (let pixel = 0; pixel < plane.length; pixel += 1) samples[pixel]! |= plane[pixel]! << shift;
  }
  return samples;
}
