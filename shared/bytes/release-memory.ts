/**
 * Gives the memory of bytes back at once, which nobody may use afterwards. What comes from a line or the disk comes in buffers
 * of their own: the collector would let tens of megabytes of them wait, and walk the whole heap for them again and again.
 * Bytes that share their memory with others are left alone.
 */
export function releaseMemory({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
