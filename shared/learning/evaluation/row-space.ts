/** Directions below this share of the longest row are rounding, not data: float32 features carry about 1e-7. */
const RANK_TOLERANCE = 1e-9;

/**
 * An orthonormal basis [rank, width] of the space that the rows of a matrix [rows, width] span: Gram-Schmidt, longest
 * remaining row first, each direction orthogonalised twice so that the basis is orthogonal to working precision.
 */
export function rowSpaceBasis(matrix: Float64Array, width: number): { basis: Float64Array; rank: number } {
  const rows = matrix.length / width;
  const residual = matrix.slice();
  const squaredLengths = new Float64Array(rows);
  for (let row = 0; row < rows; row++) squaredLengths[row] = dot(residual, row * width, residual, row * width, width);
  const smallest = Math.max(...squaredLengths) * RANK_TOLERANCE ** 2;

  const basis = new Float64Array(Math.min(rows, width) * width);
  let rank = 0;
  for (; rank < Math.min(rows, width); rank++) {
    let longest = 0;
    for (let row = 1; row < rows; row++) if (squaredLengths[row]! > squaredLengths[longest]!) longest = row;
    if (!(squaredLengths[longest]! > smallest)) break;
    const direction = rank * width;
    basis.set(residual.subarray(longest * width, (longest + 1) * width), direction);
    for (let earlier = 0; earlier < rank; earlier++)
      subtractProjection(basis, direction, basis, earlier * width, width);
    const length = Math.sqrt(dot(basis, direction, basis, direction, width));
    for (let i = direction; i < direction + width; i++) basis[i] = basis[i]! / length;
    for (let row = 0; row < rows; row++) {
      subtractProjection(residual, row * width, basis, direction, width);
      squaredLengths[row] = dot(residual, row * width, residual, row * width, width);
    }
    squaredLengths[longest] = 0;
  }
  return { basis: basis.subarray(0, rank * width), rank };
}

function dot(a: Float64Array, atA: number, b: Float64Array, atB: number, width: number): number {
  let sum = 0;
  for (let i = 0; i < width; i++) sum += a[atA + i]! * b[atB + i]!;
  return sum;
}

function subtractProjection(a: Float64Array, atA: number, unit: Float64Array, atUnit: number, width: number): void {
  const along = dot(a, atA, unit, atUnit, width);
  for (let i = 0; i < width; i++) a[atA + i] = a[atA + i]! - along * unit[atUnit + i]!;
}
