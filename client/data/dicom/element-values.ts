/** Values of the few elements this client reads, each checked for length and form. What is absent or malformed is null. */
import type { Element } from 'dicom-parser';
import { LIMITS } from './limits.ts';
import { TAGS, type TagName } from './tags.ts';

export interface ElementSource {
  readonly bytes: Uint8Array;
  readonly bigEndian: boolean;
  readonly elements: Readonly<Record<string, Element | undefined>>;
}

/** A decimal string of PS3.5 6.2; some writers pad exponents and leading zeros. */
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

function valueBytes({ bytes, elements }: ElementSource, tag: TagName): Uint8Array | null {
  const element = elements[TAGS[tag]];
  if (element === undefined || element.length === 0) return null;
  if (element.dataOffset + element.length > bytes.length) return null;
  return bytes.subarray(element.dataOffset, element.dataOffset + element.length);
}

/** One text as it stands, without padding; Latin-1, which DICOM's default repertoire is part of. */
export function textValue(source: ElementSource, tag: TagName): string | null {
  const bytes = valueBytes(source, tag);
  if (bytes === null || bytes.length > LIMITS.textBytes) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const end = text.indexOf('\0');
  const value = (end < 0 ? text : text.slice(0, end)).trim();
  return value === '' ? null : value;
}

/** The parts of a text that are separated by backslashes, in upper case as code strings are. */
export function codeValues(source: ElementSource, tag: TagName): string[] {
  return (textValue(source, tag) ?? '').split('\\').map((part) => part.trim().toUpperCase());
}

/** `count` decimal strings, or null when there are others or fewer. */
export function decimalValues(source: ElementSource, { tag, count }: { tag: TagName; count: number }): number[] | null {
  const parts = (textValue(source, tag) ?? '').split('\\').map((part) => part.trim());
  if (parts.length !== count || !parts.every((part) => DECIMAL.test(part))) return null;
  const values = parts.map(Number);
  return values.every(Number.isFinite) ? values : null;
}

export function decimalValue(source: ElementSource, tag: TagName): number | null {
  return decimalValues(source, { tag, count: 1 })?.[0] ?? null;
}

export function integerValue(source: ElementSource, tag: TagName): number | null {
  const value = decimalValue(source, tag);
  return value === null || !Number.isSafeInteger(value) ? null : value;
}

/** An unsigned 16-bit number (US; the bit pattern of SS). */
export function uint16Value(source: ElementSource, tag: TagName): number | null {
  const bytes = valueBytes(source, tag);
  if (bytes === null || bytes.length < 2) return null;
  return source.bigEndian ? bytes[0]! * 256 + bytes[1]! : bytes[1]! * 256 + bytes[0]!;
}

/** The items of a sequence as sources of their own. */
export function sequenceItems(source: ElementSource, tag: TagName): ElementSource[] {
  const items = source.elements[TAGS[tag]]?.items ?? [];
  return items.map((item) => ({ ...source, elements: item.dataSet?.elements ?? {} }));
}
