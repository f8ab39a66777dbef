/** A file as a stream that gives no more bytes a second than a site's policy lets leave. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/** Small enough that a line limited to a kilobyte a second never looks dead for long. */
const SHORTEST_PIECE_SECONDS = 0.05;
const LONGEST_PIECE_BYTES = 65_536;

export function readSlowly(file: string, bytesPerSecond: number): Readable {
  const pieceBytes = Math.min(LONGEST_PIECE_BYTES, Math.max(1, Math.round(bytesPerSecond * SHORTEST_PIECE_SECONDS)));
  async function* pieces() {
    const startMillis = performance.now();
    let sent = 0;
    for await (const piece of createReadStream(file, { highWaterMark: pieceBytes })) {
      yield piece;
      sent += (piece as Buffer).length;
      const early = startMillis + (sent / bytesPerSecond) * 1000 - performance.now();
      if (early > 0) await delay(early);
    }
  }
  return Readable.from(pieces(), { objectMode: false, highWaterMark: pieceBytes });
}
