/** Whole numbers from a cryptographic source of bytes, each exactly equally likely. */

/** That many fresh bytes of a cryptographic source, such as node:crypto's `randomBytes`. */
export type RandomBytes = (count: number) => Uint8Array;

export interface RandomWords {
  /** The next 32 bits. */
  word(): number;
  /** A whole number in 0 .. 2^bits - 1; bits from 0 to 53. */
  bits(bits: number): number;
  /** A whole number in 0 .. n - 1; n from 1 to 2^32. */
  below(n: number): number;
  /** The same for numbers of any size. */
  belowLarge(n: bigint): bigint;
}

/** Bytes are asked for in pieces of this size, because each request has a price of its own. */
const PIECE_BYTES = 16_384;

export function createRandomWords(randomBytes: RandomBytes, { pieceBytes = PIECE_BYTES } = {}): RandomWords {
  let piece: DataView = new DataView(new ArrayBuffer(0));
  let next = 0;
  const word = () => {
    if (next === piece.byteLength) {
      const { buffer, byteOffset, byteLength } = randomBytes(pieceBytes);
      if (byteLength !== pieceBytes) {
        throw new RangeError(`Cannot draw at random: needed ${pieceBytes} bytes from the source, found ${byteLength}`);
      }
      piece = new DataView(buffer, byteOffset, byteLength);
      next = 0;
    }
    next += 4;
    return piece.getUint32(next - 4);
  };
  const bits = (count: number): number => {
    if (count === 0) return 0;
    return count <= 32 ? word() >>> (32 - count) : bits(count - 32) * 0x100000000 + word();
  };

  return {
    word,
    bits,
    below(n) {
      if (!(Number.isInteger(n) && n >= 1 && n <= 0x100000000)) {
        throw new RangeError(`Cannot draw below n: n must be a whole number from 1 to 2^32, found ${n}`);
      }
      // As many bits as n - 1 has; what is too large is drawn again.
      const count = n === 0x100000000 ? 32 : 32 - Math.clz32(n - 1);
      let drawn = bits(count);
      while (drawn >= n) drawn = bits(count);
      return drawn;
    },
    belowLarge(n) {
      if (n < 1n) throw new RangeError(`Cannot draw below n: n must be at least 1, found ${n}`);
      const count = n === 1n ? 0 : (n - 1n).toString(2).length;
      for (;;) {
        let drawn = 0n;
        for (let left = count; left > 0; left -= 32) {
          const taken = Math.min(left, 32);
          drawn = (drawn << BigInt(taken)) | BigInt(bits(taken));
        }
        if (drawn < n) return drawn;
      }
    },
  };
}
