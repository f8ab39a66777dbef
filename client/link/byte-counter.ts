/**
 * Counts the bytes a site sends. For HTTP these are the bytes handed to the connection, so request lines, headers and
 * bodies exactly (repeated attempts included), but not what TLS and TCP add; for the hint socket the payload of its messages.
 */
import type { Socket } from 'node:net';

export interface ByteCounter {
  /** Follows a connection during one request; call the returned function when the request is over. */
  track(socket: Socket): () => void;
  add(bytes: number): void;
  total(): number;
}

export function createByteCounter(): ByteCounter {
  let counted = 0;
  const active = new Map<symbol, () => number>();
  return {
    track(socket) {
      const key = Symbol('request');
      const before = socket.bytesWritten;
      const sent = () => Math.max(0, socket.bytesWritten - before);
      active.set(key, sent);
      return () => {
        if (active.delete(key)) counted += sent();
      };
    },
    add(bytes) {
      counted += bytes;
    },
    total() {
      let total = counted;
      for (const sent of active.values()) total += sent();
      return total;
    },
  };
}
