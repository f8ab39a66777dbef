const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/;
const DECIMAL_COMMA = /^[+-]?\d+,\d+$/;

/**
 * A cell as a number, or null. Units, ranges and signs such as `<` make it no number: a column that mixes `12 mm` and
 * `1.2 cm` would otherwise be wrong without anybody noticing.
 *
 * @param decimalComma whether `12,5` is twelve and a half, as in tables that are not separated by commas
 */
export function parseNumber(cell: string, { decimalComma }: { decimalComma: boolean }): number | null {
  const text = cell.trim();
  if (NUMBER.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : null;
  }
  return decimalComma && DECIMAL_COMMA.test(text) ? Number(text.replace(',', '.')) : null;
}
