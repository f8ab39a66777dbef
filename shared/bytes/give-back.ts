/**
 * Gives memory back at once that nothing refers to any more, so that what is made next is made in it again, while it is in
 * the cache. The collector would let hundreds of megabytes wait, in each thread. Memory that is only a part of a larger piece
 * is left to it.
 */
export function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
