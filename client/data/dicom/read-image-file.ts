/** Reads DICOM files from disk, no more of them than needed. Meant for worker threads: reading is synchronous. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { UnusableError } from '../quarantine/unusable-error.ts';
import { decodeFrame } from './codecs/decode-frame.ts';
import type { Samples } from './codecs/samples.ts';
import { frameBytes } from './frame-bytes.ts';
import { unwantedReason } from './image-content.ts';
import { elementSource, type ImageHeader, readImageHeader } from './image-header.ts';
import { LIMITS } from './limits.ts';
import { type ParsedHeader, parseHeader } from './parse-header.ts';

/** Nearly every CT header ends within the first piece. */
const FIRST_PIECE_BYTES = 64 * 1024;
const NEXT_PIECE_BYTES = 1024 * 1024;

interface OpenFile {
  readonly sizeBytes: number;
  read(range: { start: number; end: number }): Uint8Array;
}

/** What the file system says stays here: its errors name the path. */
function unreadable(): UnusableError {
  return new UnusableError('file-unreadable');
}

function withFile<T>(path: string, use: (file: OpenFile) => T): T {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    throw unreadable();
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw unreadable();
    if (stat.size > LIMITS.fileBytes) throw new UnusableError('file-too-large');
    const read = ({ start, end }: { start: number; end: number }) => {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, stat.size) - start));
      let done = 0;
      try {
        while (done < bytes.length) {
          const count = readSync(descriptor, bytes, done, bytes.length - done, start + done);
          if (count === 0) break;
          done += count;
        }
      } catch {
        throw unreadable();
      }
      return bytes.subarray(0, done);
    };
    return use({ sizeBytes: stat.size, read });
  } finally {
    closeSync(descriptor);
  }
}

function parseFile({ sizeBytes, read }: OpenFile): ParsedHeader {
  for (const piece of [FIRST_PIECE_BYTES, NEXT_PIECE_BYTES, LIMITS.headerBytes]) {
    const complete = piece >= sizeBytes;
    const parsed = parseHeader(read({ start: 0, end: piece }), { complete });
    if (parsed !== 'more') return parsed;
  }
  const whole = parseHeader(read({ start: 0, end: sizeBytes }), { complete: true });
  if (whole === 'more' || !whole.syntax.deflated) throw new UnusableError('dicom-too-many-elements');
  return whole;
}

/**
 * The header of a CT slice or enhanced CT.
 *
 * @throws {UnusableError} when the file cannot be read, is damaged, or is not a CT slice.
 */
export function readHeaderOfFile(path: string, { key }: { key: string }): ImageHeader {
  return withFile(path, (file) => {
    const parsed = parseFile(file);
    const unwanted = unwantedReason(elementSource(parsed));
    if (unwanted !== null) throw new UnusableError(unwanted);
    const header = readImageHeader(parsed, { key });
    const { deflated, offset, length } = header.pixels;
    const available = deflated ? parsed.bytes.length : file.sizeBytes;
    if (offset + (length ?? 1) > available) throw new UnusableError('pixel-data-truncated');
    return header;
  });
}

function encodedFrames(
  path: string,
  { header, frames }: { header: ImageHeader; frames: readonly number[] },
): Uint8Array[] {
  return withFile(path, (file) => {
    const { offset, length, deflated } = header.pixels;
    if (deflated) {
      const parsed = parseFile(file);
      return frameBytes(parsed.bytes, { header, frames, firstByte: 0 });
    }
    if (length === null) {
      const bytes = file.read({ start: offset, end: file.sizeBytes });
      return frameBytes(bytes, { header, frames, firstByte: offset });
    }
    // Only the chosen frames of an uncompressed file are read, each on its own.
    const size = (header.format.rows * header.format.columns * header.format.bitsAllocated) / 8;
    return frames.map((frame) => {
      const bytes = file.read({ start: offset + frame * size, end: offset + (frame + 1) * size });
      if (bytes.length < size) throw new UnusableError('pixel-data-truncated');
      return bytes;
    });
  });
}

/**
 * Decodes the chosen frames of a file whose header was read before.
 *
 * @throws {UnusableError} when the file can no longer be read or its pixels are damaged.
 */
export async function readFrames(
  path: string,
  { header, frames }: { header: ImageHeader; frames: readonly number[] },
): Promise<Samples[]> {
  const { encoding, format, pixels } = header;
  const decoded: Samples[] = [];
  for (const bytes of encodedFrames(path, { header, frames })) {
    decoded.push(await decodeFrame(bytes, { encoding, shape: format, bigEndian: pixels.bigEndian }));
  }
  return decoded;
}
