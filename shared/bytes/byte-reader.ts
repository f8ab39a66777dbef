/** Reads a message field by field and refuses to read past its end. */
export interface ByteReader {
  /** How many bytes are left. */
  readonly remaining: number;
  /**
   * The next `length` bytes, sharing the message's memory. `field` names them in the error.
   *
   * @throws {RangeError} when fewer are left.
   */
  take(length: number, field: string): Uint8Array;
}

export function createByteReader(bytes: Uint8Array): ByteReader {
  let position = 0;
  return {
    get remaining() {
      return bytes.length - position;
    },
    take(length, field) {
      if (length > bytes.length - position) {
        throw new RangeError(
          `Cannot read the ${field}: needed ${length} bytes, found ${bytes.length - position} before the end`,
        );
      }
      position += length;
      return bytes.subarray(position - length, position);
    },
  };
}
