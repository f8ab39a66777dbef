/** A small DICOM writer for tests: elements in, a Part 10 file out. Nothing is checked, so that tests can write nonsense. */
import { deflateRawSync } from 'node:zlib';

export type ElementValue = string | readonly number[] | Uint8Array | readonly (readonly DicomElement[])[];

export interface DicomElement {
  /** Eight hexadecimal digits. */
  readonly tag: string;
  /** Two letters; decides how numbers are written. */
  readonly vr: string;
  readonly value: ElementValue;
}

/** Compressed pixel data: one fragment per entry, with or without offsets. */
export interface Encapsulated {
  readonly fragments: readonly Uint8Array[];
  readonly offsets?: readonly number[];
}

export interface DicomFile {
  readonly transferSyntax: string;
  readonly elements: readonly DicomElement[];
  readonly pixelData?: Uint8Array | Encapsulated;
  /** Default 16 bits for the value representation of uncompressed pixels. */
  readonly pixelVr?: 'OB' | 'OW';
}

interface Form {
  readonly explicit: boolean;
  readonly bigEndian: boolean;
}

const LONG_FORMS = new Set(['OB', 'OW', 'OD', 'OF', 'OL', 'OV', 'SQ', 'UC', 'UR', 'UT', 'UN', 'SV', 'UV']);

function uint16(value: number, { bigEndian }: Form): Buffer {
  const bytes = Buffer.alloc(2);
  if (bigEndian) bytes.writeUInt16BE(value & 0xffff);
  else bytes.writeUInt16LE(value & 0xffff);
  return bytes;
}

function uint32(value: number, { bigEndian }: Form): Buffer {
  const bytes = Buffer.alloc(4);
  if (bigEndian) bytes.writeUInt32BE(value >>> 0);
  else bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

function tagBytes(tag: string, form: Form): Buffer {
  return Buffer.concat([
    uint16(Number.parseInt(tag.slice(0, 4), 16), form),
    uint16(Number.parseInt(tag.slice(4), 16), form),
  ]);
}

function padded(bytes: Buffer, filler: number): Buffer {
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.from([filler])]);
}

function valueBytes({ vr, value }: DicomElement, form: Form): Buffer {
  if (typeof value === 'string') return padded(Buffer.from(value, 'latin1'), vr === 'UI' ? 0 : 0x20);
  if (value instanceof Uint8Array) return padded(Buffer.from(value), 0);
  if (vr === 'SQ') {
    const items = value as readonly (readonly DicomElement[])[];
    return Buffer.concat(
      items.flatMap((item) => {
        const content = Buffer.concat(item.map((element) => writeElement(element, form)));
        return [tagBytes('fffee000', form), uint32(content.length, form), content];
      }),
    );
  }
  return Buffer.concat(
    (value as readonly number[]).map((number) => (vr === 'UL' ? uint32(number, form) : uint16(number, form))),
  );
}

function writeElement(element: DicomElement, form: Form): Buffer {
  const content = valueBytes(element, form);
  const tag = tagBytes(element.tag, form);
  if (!form.explicit) return Buffer.concat([tag, uint32(content.length, form), content]);
  const vr = Buffer.from(element.vr);
  if (LONG_FORMS.has(element.vr))
    return Buffer.concat([tag, vr, Buffer.alloc(2), uint32(content.length, form), content]);
  return Buffer.concat([tag, vr, uint16(content.length, form), content]);
}

function writePixels(pixelData: Uint8Array | Encapsulated, { form, vr }: { form: Form; vr: 'OB' | 'OW' }): Buffer {
  if (pixelData instanceof Uint8Array) return writeElement({ tag: '7fe00010', vr, value: pixelData }, form);
  const item = (content: Buffer) => Buffer.concat([tagBytes('fffee000', form), uint32(content.length, form), content]);
  const offsets = Buffer.concat((pixelData.offsets ?? []).map((offset) => uint32(offset, form)));
  return Buffer.concat([
    tagBytes('7fe00010', form),
    Buffer.from('OB'),
    Buffer.alloc(2),
    uint32(0xffffffff, form),
    item(offsets),
    ...pixelData.fragments.map((fragment) => item(padded(Buffer.from(fragment), 0))),
    tagBytes('fffee0dd', form),
    uint32(0, form),
  ]);
}

const IMPLICIT = '1.2.840.10008.1.2';
const BIG_ENDIAN = '1.2.840.10008.1.2.2';
const DEFLATED = '1.2.840.10008.1.2.1.99';

export function writeDicom({ transferSyntax, elements, pixelData, pixelVr = 'OW' }: DicomFile): Uint8Array {
  const metaForm = { explicit: true, bigEndian: false };
  const meta = writeElement({ tag: '00020010', vr: 'UI', value: transferSyntax }, metaForm);
  const length = writeElement({ tag: '00020000', vr: 'UL', value: [meta.length] }, metaForm);
  const form = { explicit: transferSyntax !== IMPLICIT, bigEndian: transferSyntax === BIG_ENDIAN };
  const sorted = elements.toSorted((a, b) => (a.tag < b.tag ? -1 : 1));
  const body = Buffer.concat([
    ...sorted.map((element) => writeElement(element, form)),
    ...(pixelData === undefined ? [] : [writePixels(pixelData, { form, vr: pixelVr })]),
  ]);
  const content = transferSyntax === DEFLATED ? deflateRawSync(body) : body;
  return new Uint8Array(Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), length, meta, content]));
}
