/** One direction of a line that is slow: bytes come late, only so many a second, and none while it stalls. */
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface LineQuality {
  /** How long each byte is under way. */
  readonly delayMillis: number;
  readonly bytesPerSecond: number;
  /** Nothing arrives; what was sent waits. */
  readonly isStalled: boolean;
}

export const GOOD_LINE: LineQuality = { delayMillis: 0, bytesPerSecond: Number.POSITIVE_INFINITY, isStalled: false };

const PIECE_BYTES = 16_384;
const LOOK_AGAIN_MILLIS = 10;
/** The sender is held up when so much is under way. */
const MOST_BYTES_UNDER_WAY = 1 << 20;

export interface Line {
  send(bytes: Buffer): void;
  /** Ends the receiving side once all has arrived. */
  end(): void;
}

export function openLine(
  { from, to }: { readonly from: Socket; readonly to: Socket },
  quality: () => LineQuality,
): Line {
  const underWay: { readonly bytes: Buffer | null; readonly sentAtMillis: number }[] = [];
  let bytesUnderWay = 0;
  let freeAtMillis = 0;
  let isRunning = false;

  const deliver = async (): Promise<void> => {
    isRunning = true;
    for (let next = underWay.shift(); next !== undefined && !to.destroyed; next = underWay.shift()) {
      await untilDue(next.sentAtMillis + quality().delayMillis);
      while (quality().isStalled && !to.destroyed) await delay(LOOK_AGAIN_MILLIS);
      if (next.bytes === null) {
        to.end();
        break;
      }
      await slowlyTo(next.bytes.length);
      if (to.destroyed) break;
      if (!to.write(next.bytes)) await drained(to);
      bytesUnderWay -= next.bytes.length;
      if (from.isPaused() && bytesUnderWay < MOST_BYTES_UNDER_WAY) from.resume();
    }
    isRunning = false;
  };

  const slowlyTo = async (bytes: number): Promise<void> => {
    const { bytesPerSecond } = quality();
    if (bytesPerSecond === Number.POSITIVE_INFINITY) return;
    freeAtMillis = Math.max(freeAtMillis, performance.now()) + (bytes / bytesPerSecond) * 1000;
    await untilDue(freeAtMillis);
  };

  const put = (bytes: Buffer | null): void => {
    underWay.push({ bytes, sentAtMillis: performance.now() });
    bytesUnderWay += bytes?.length ?? 0;
    if (bytesUnderWay > MOST_BYTES_UNDER_WAY) from.pause();
    if (!isRunning) void deliver();
  };

  return {
    send(bytes) {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) put(bytes.subarray(at, at + PIECE_BYTES));
    },
    end: () => put(null),
  };
}

async function untilDue(timeMillis: number): Promise<void> {
  const wait = timeMillis - performance.now();
  if (wait > 0) await delay(wait);
}

async function drained(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.once('drain', resolve);
    socket.once('close', resolve);
  });
}
