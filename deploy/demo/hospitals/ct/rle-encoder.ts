/** DICOM's RLE Lossless (PS3.5 annex G) for one frame of 16-bit samples. */

const HEADER_BYTES = 64;
const LONGEST_RUN = 128;

/**
 * @param samples little-endian 16-bit samples, row by row.
 * @returns the header and two segments: all high bytes, then all low bytes.
 */
export function encodeRle(samples: Uint8Array, { columns }: { columns: number }): Uint8Array {
  const segments = [1, 0].map((byte) => encodeSegment(samples, { byte, columns }));
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(segments.length, 0);
  let offset = HEADER_BYTES;
  for (const [index, segment] of segments.entries()) {
    header.writeUInt32LE(offset, 4 + 4 * index);
    offset += segment.length;
  }
  return Buffer.concat([header, ...segments]);
}

/** G.3.1: each row is coded by itself; a segment has an even number of bytes. */
function encodeSegment(samples: Uint8Array, { byte, columns }: { byte: number; columns: number }): Uint8Array {
  const plane = Uint8Array.from({ length: samples.length / 2 }, (_, index) => samples[2 * index + byte]!);
  // PackBits grows by at most one byte in 128.
  const coded = Buffer.alloc(plane.length + Math.ceil(columns / LONGEST_RUN + 1) * (plane.length / columns) + 1);
  let end = 0;
  for (let row = 0; row < plane.length; row += columns) {
    end = packBits(plane.subarray(row, row + columns), { into: coded, at: end });
  }
  if (end % 2 === 1) end += 1;
  return coded.subarray(0, end);
}

/** Returns where the coded bytes end. Runs of three and more are replicated; all else is literal. */
function packBits(bytes: Uint8Array, { into, at }: { into: Uint8Array; at: number }): number {
  let end = at;
  let position = 0;
  while (position < bytes.length) {
    const run = runLength(bytes, position);
    if (run >= 3) {
      into[end] = 257 - run;
      into[end + 1] = bytes[position]!;
      end += 2;
      position += run;
      continue;
    }
    const start = position;
    while (position < bytes.length && position - start < LONGEST_RUN && runLength(bytes, position) < 3) position += 1;
    into[end] = position - start - 1;
    into.set(bytes.subarray(start, position), end + 1);
    end += 1 + position - start;
  }
  return end;
}

function runLength(bytes: Uint8Array, position: number): number {
  let run = 1;
  while (run < LONGEST_RUN && position + run < bytes.length && bytes[position + run] === bytes[position]) run += 1;
  return run;
}
