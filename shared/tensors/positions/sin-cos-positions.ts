/** Fixed two-dimensional sine-cosine positions, as three reference implementations compute them. */

/**
 * How a table is computed; checkpoints carry the table they were trained with, and the three differ.
 *
 * - `mae` (He et al. 2022): the first half of a row encodes the column, the second half the row.
 * - `moco` (MoCo v3, CLEAR): the halves are swapped, and tokens are counted column by column; a table for a grid that is
 *   not square has the wrong geometry and is kept for parity.
 * - `maco`: as `mae`, with frequencies that fall half as fast.
 */
export type SinCosConvention = 'mae' | 'moco' | 'maco';

/**
 * The table [1 + rows * columns, width], row by row, whose first row (the class token's) is zero. Each quarter of a row is
 * a sine or a cosine of one coordinate times `width / 4` frequencies.
 *
 * @throws {RangeError} when the width is not a multiple of four.
 */
export function sinCosPositions(
  convention: SinCosConvention,
  { width, rows, columns }: { readonly width: number; readonly rows: number; readonly columns: number },
): Float32Array {
  if (width % 4 !== 0) {
    throw new RangeError(`Cannot compute positions: the width must be a multiple of 4, found ${width}`);
  }
  const quarter = width / 4;
  const frequencies = Array.from({ length: quarter }, (_, index) => {
    const exponent = convention === 'maco' ? index / quarter / 4 : index / quarter;
    return 10_000 ** -exponent;
  });
  const table = new Float32Array((1 + rows * columns) * width);
  for (let token = 0; token < rows * columns; token += 1) {
    const [first, second] =
      convention === 'moco' ? [Math.floor(token / rows), token % rows] : [token % columns, Math.floor(token / columns)];
    frequencies.forEach((frequency, index) => {
      const at = (1 + token) * width + index;
      table[at] = Math.sin(first * frequency);
      table[at + quarter] = Math.cos(first * frequency);
      table[at + 2 * quarter] = Math.sin(second * frequency);
      table[at + 3 * quarter] = Math.cos(second * frequency);
    });
  }
  return table;
}
