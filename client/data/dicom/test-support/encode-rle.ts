/** DICOM RLE (PS3.5 annex G) for tests. */

function packBits(plane: Uint8Array): Buffer {
  const packed: number[] = [];
  let at = 0;
  while (at < plane.length) {
    let run = 1;
    while (run < 128 && at + run < plane.length && plane[at + run] === plane[at]) run += 1;
    if (run > 2) {
      packed.push(257 - run, plane[at]!);
      at += run;
      continue;
    }
    const start = at;
    while (at < plane.length && at - start < 128 && !(plane[at] === plane[at + 1] && plane[at] === plane[at + 2]))
      at += 1;
    if (at === start) at += 1;
    packed.push(at - start - 1, ...plane.subarray(start, at));
  }
  return Buffer.from(packed.length % 2 === 0 ? packed : [...packed, 0]);
}

export function encodeRle(pixels: Int16Array | Uint16Array | Uint8Array): Uint8Array {
  const planes =
    pixels.BYTES_PER_ELEMENT === 1
      ? [Uint8Array.from(pixels)]
      : [Uint8Array.from(pixels, (value) => (value >> 8) & 0xff), Uint8Array.from(pixels, (value) => value & 0xff)];
  const segments = planes.map(packBits);
  const header = Buffer.alloc(64);
  header.writeUInt32LE(segments.length, 0);
  let offset = 64;
  for (const [index, segment] of segments.entries()) {
    header.writeUInt32LE(offset, 4 + 4 * index);
    offset += segment.length;
  }
  return new Uint8Array(Buffer.concat([header, ...segments]));
}
