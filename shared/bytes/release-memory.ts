/**
 * Gives memory back at once that nobody may use afterwards, so that what is made next is made in it again, while it is in the
 * cache. What comes from a line, the disk or a cipher comes in buffers of their own: the collector would let hundreds of
 * megabytes of them wait, in each thread, and walk the whole heap for them again and again. Bytes that share their memory with
 * others are left alone.
 */
export function releaseMemory({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
