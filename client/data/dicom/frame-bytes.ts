/** Cuts the pixel data into frames (PS3.5, A.4): by size when uncompressed, by fragments and offset table otherwise. */
import dicomParser, { type DataSet, type Element, type Fragment } from 'dicom-parser';
import { UnusableError } from '../quarantine/unusable-error.ts';
import type { ImageHeader } from './image-header.ts';
import { guardedStream, withParserErrors } from './parse-header.ts';
import { TAGS } from './tags.ts';

/** The first fragment of each frame, and one past the last. */
type FrameStarts = readonly number[];

function readFragments(
  bytes: Uint8Array,
  offset: number,
): Element & { fragments: Fragment[]; basicOffsetTable: number[] } {
  const element: Element = { tag: TAGS.pixelData, length: 0xffffffff, dataOffset: offset, hadUndefinedLength: true };
  if (offset >= bytes.length) throw new UnusableError('pixel-data-truncated');
  dicomParser.findEndOfEncapsulatedElement(guardedStream(bytes, { position: offset, bigEndian: false }), element, []);
  return { ...element, fragments: element.fragments ?? [], basicOffsetTable: element.basicOffsetTable ?? [] };
}

function frameStarts(
  bytes: Uint8Array,
  { element, frames }: { element: ReturnType<typeof readFragments>; frames: number },
): FrameStarts {
  const { fragments, basicOffsetTable } = element;
  if (frames === 1) return [0, fragments.length];
  if (fragments.length === frames) return [...fragments.keys(), fragments.length];
  const offsets =
    basicOffsetTable.length === frames
      ? basicOffsetTable
      : // Without a table only the end marker that JPEG, JPEG-LS and JPEG 2000 share tells where a frame ends.
        dicomParser.createJPEGBasicOffsetTable({ byteArray: bytes } as unknown as DataSet, element);
  if (offsets.length !== frames) throw new UnusableError('frames-not-found');
  const byOffset = new Map(fragments.map((fragment, index) => [fragment.offset, index]));
  const starts = offsets.map((offset) => byOffset.get(offset) ?? -1);
  if (!starts.every((start, index) => start > (starts[index - 1] ?? -1))) throw new UnusableError('frames-not-found');
  return [...starts, fragments.length];
}

/**
 * The encoded bytes of the chosen frames, in the order asked for.
 *
 * @param bytes the file, or the unpacked bytes of a deflated one; `firstByte` is the file offset they begin at
 * @throws {UnusableError} when the pixel data ends early or its frames cannot be told apart.
 */
export function frameBytes(
  bytes: Uint8Array,
  { header, frames, firstByte }: { header: ImageHeader; frames: readonly number[]; firstByte: number },
): Uint8Array[] {
  const { format, pixels } = header;
  const offset = pixels.offset - firstByte;
  if (pixels.length !== null) {
    const size = (format.rows * format.columns * format.bitsAllocated) / 8;
    return frames.map((frame) => {
      const start = offset + frame * size;
      if (start < 0 || start + size > bytes.length) throw new UnusableError('pixel-data-truncated');
      return bytes.subarray(start, start + size);
    });
  }
  return withParserErrors(() => {
    const element = readFragments(bytes, offset);
    const { fragments } = element;
    if (fragments.length === 0) throw new UnusableError('pixel-data-truncated');
    if (fragments.some(({ position, length }) => position + length > bytes.length)) {
      throw new UnusableError('pixel-data-truncated');
    }
    const starts = frameStarts(bytes, { element, frames: format.frames });
    return frames.map((frame) => {
      const parts = fragments.slice(starts[frame], starts[frame + 1]);
      const pieces = parts.map(({ position, length }) => bytes.subarray(position, position + length));
      return pieces.length === 1 ? pieces[0]! : new Uint8Array(Buffer.concat(pieces));
    });
  });
}
