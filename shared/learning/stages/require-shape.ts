/**
 * Refuses values of a batch that do not fill their shape.
 *
 * @throws {TypeError} naming them.
 */
export function requireShape(name: string, values: { readonly length: number }, shape: readonly number[]): void {
  const needed = shape.reduce((product, dimension) => product * dimension, 1);
  if (values.length !== needed) {
    throw new TypeError(
      `Cannot use the batch: ${name} must be [${shape.join(', ')}], ${needed} values, found ${values.length}`,
    );
  }
}
