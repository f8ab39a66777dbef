/** Sixteen-bit numbers, in which many public checkpoints are kept, as 32-bit ones. Every one of them has an exact value. */

/** IEEE 754 binary16: one sign, five exponent and ten fraction bits. */
export function float32FromHalves(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    // Without the leading one below the smallest exponent.
    if (exponent === 0) return sign * fraction * 2 ** -24;
    return sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}

/** bfloat16: the upper half of a float32. */
export function float32FromBrainFloats(halves: Uint16Array): Float32Array {
  const bits = Uint32Array.from(halves, (half) => half << 16);
  return new Float32Array(bits.buffer);
}
