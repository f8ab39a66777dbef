/**
 * Canonical JSON: one byte sequence per value, so that a hash or a signature names the value and not its spelling.
 * Object keys are sorted by UTF-16 code unit and members that are `undefined` are left out, as in RFC 8785; numbers are
 * written as ECMAScript writes them, which is what RFC 8785 prescribes.
 */

/**
 * The canonical text of a JSON value.
 *
 * @throws {TypeError} when the value holds something JSON cannot say: NaN, an infinity, a function, a bigint, a date, bytes.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`Cannot encode as JSON: numbers must be finite, found ${value}`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${Array.from(value, (item) => canonicalJson(item)).join(',')}]`;
  if (typeof value === 'object' && isPlain(value)) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  throw new TypeError(`Cannot encode as JSON: needed a plain value, found ${Object.prototype.toString.call(value)}`);
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
