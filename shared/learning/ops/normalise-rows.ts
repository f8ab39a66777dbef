/** The loops of layer normalisation over memory at hand: one pass where tensor operations would take eight. */

/** What a layer normalisation keeps for its way back. */
interface Normalised {
  /** [rows, width] with mean 0 and deviation 1 in each row. */
  readonly normalised: Float32Array;
  /** [rows] */
  readonly inverseDeviation: Float32Array;
}

/** Writes `value`, and what the way back needs. */
export function normaliseRows(
  x: Float32Array,
  { scale, shift, epsilon }: { readonly scale: Float32Array; readonly shift: Float32Array; readonly epsilon: number },
  { value, normalised, inverseDeviation }: Normalised & { readonly value: Float32Array },
): void {
  const width = scale.length;
  for (let row = 0; row < inverseDeviation.length; row += 1) {
    const start = row * width;
    let sum = 0;
    for (let at = start; at < start + width; at += 1) sum += x[at]!;
    const mean = sum / width;
    let squares = 0;
    for (let at = start; at < start + width; at += 1) {
      const centred = x[at]! - mean;
      squares += centred * centred;
    }
    const inverse = 1 / Math.sqrt(squares / width + epsilon);
    inverseDeviation[row] = inverse;
    for (let column = 0; column < width; column += 1) {
      const unit = (x[start + column]! - mean) * inverse;
      normalised[start + column] = unit;
      value[start + column] = unit * scale[column]! + shift[column]!;
    }
  }
}

/** From the gradient of the value to those of x, the scale and the shift. */
export function normaliseRowsBack(
  dy: Float32Array,
  { normalised, inverseDeviation, scale }: Normalised & { readonly scale: Float32Array },
  { dx, dScale, dShift }: { readonly dx: Float32Array; readonly dScale: Float32Array; readonly dShift: Float32Array },
): void {
  const width = scale.length;
  const [scaleSums, shiftSums] = [new Float64Array(width), new Float64Array(width)];
  for (let row = 0; row < inverseDeviation.length; row += 1) {
    const start = row * width;
    let sum = 0;
    let along = 0;
    for (let column = 0; column < width; column += 1) {
      const gradient = dy[start + column]!;
      const unit = normalised[start + column]!;
      const dUnit = gradient * scale[column]!;
      sum += dUnit;
      along += dUnit * unit;
      scaleSums[column]! += gradient * unit;
      shiftSums[column]! += gradient;
    }
    // Normalisation fixes each row's mean and length, so what the gradient says along these two is taken out.
    const [mean, slope, inverse] = [sum / width, along / width, inverseDeviation[row]!];
    for (let column = 0; column < width; column += 1) {
      const dUnit = dy[start + column]! * scale[column]!;
      dx[start + column] = (dUnit - mean - normalised[start + column]! * slope) * inverse;
    }
  }
  dScale.set(scaleSums);
  dShift.set(shiftSums);
}
