import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { littleEndianBytes } from '../bytes/little-endian.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';

const tensors = [
  { name: 'norm.weight', shape: [2, 3], data: Float32Array.from([1, -2, 3.5, 0, 1e-30, -0]) },
  { name: 'scale', shape: [], data: Float32Array.from([7]) },
  { name: 'empty', shape: [0, 4], data: new Float32Array(0) },
];

/** A file with any header text over any number of zero bytes. */
function fileOf(header: string | object, dataBytes: number, length?: bigint): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe('encodeSafetensors()', () => {
  test('writes the header, blanks up to a multiple of eight, then the numbers', () => {
    const file = Buffer.from(encodeSafetensors(tensors.slice(0, 1), { format: 'pt' }));
    const header = '{"__metadata__":{"format":"pt"},"norm.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}';
    const padded = Math.ceil(header.length / 8) * 8;
    expect(file.readBigUInt64LE(0)).toBe(BigInt(padded));
    expect(file.subarray(8, 8 + padded).toString()).toBe(header.padEnd(padded));
    expect(file.subarray(8 + padded)).toEqual(Buffer.from(littleEndianBytes(tensors[0]!.data)));
  });

  test('gives the same bytes for the same input', () => {
    expect(encodeSafetensors(tensors, { a: '1', b: '2' })).toEqual(encodeSafetensors(tensors, { a: '1', b: '2' }));
  });

  test('refuses repeated and reserved names and shapes that do not fit', () => {
    expect(() => encodeSafetensors([tensors[1]!, tensors[1]!])).toThrow('"scale"');
    expect(() => encodeSafetensors([{ ...tensors[1]!, name: '__metadata__' }])).toThrow(RangeError);
    expect(() => encodeSafetensors([{ ...tensors[0]!, shape: [2, 2] }])).toThrow('[2, 2] does not hold its 6 numbers');
  });
});

describe('decodeSafetensors()', () => {
  test('gives back what was written, from any position and any kind of byte array', () => {
    const metadata = { format: 'pt', note: 'Zweitmeinung, 第二' };
    const file = encodeSafetensors(tensors, metadata);
    for (const shift of [0, 1, 4]) {
      const larger = Buffer.alloc(file.length + shift);
      larger.set(file, shift);
      const read = decodeSafetensors(larger.subarray(shift));
      expect(read.metadata).toEqual(metadata);
      expect([...read.tensors]).toEqual(tensors.map(({ name, shape, data }) => [name, { dtype: 'F32', shape, data }]));
    }
  });

  test('gives copies', () => {
    const file = encodeSafetensors(tensors);
    const { data } = decodeSafetensors(Buffer.from(file.buffer)).tensors.get('scale')!;
    file.fill(0, 8);
    expect(data[0]).toBe(7);
  });

  test('gives a file without tensors back', () => {
    const read = decodeSafetensors(encodeSafetensors([]));
    expect(read.tensors.size).toBe(0);
    expect(read.metadata).toEqual({});
  });

  test('reads integers', () => {
    const header = { a: entry(0, 8, [2], 'I32'), b: entry(8, 16, [], 'I64') };
    const file = fileOf(header, 16);
    file.fill(0xff, file.length - 16);
    const read = decodeSafetensors(file).tensors;
    expect(read.get('a')!.data).toEqual(Int32Array.of(-1, -1));
    expect(read.get('b')!.data).toEqual(BigInt64Array.of(-1n));
  });

  test('does not depend on the order of the header', () => {
    const read = decodeSafetensors(fileOf({ b: entry(4, 8), a: entry(0, 4) }, 8));
    expect([...read.tensors.keys()]).toEqual(['a', 'b']);
  });

  test('takes odd names as they are', () => {
    const header = '{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
    expect([...decodeSafetensors(fileOf(header, 4)).tensors.keys()]).toEqual(['__proto__']);
  });

  test.each([
    ['overlapping tensors', { a: entry(0, 8), b: entry(4, 12) }, 12, 'must begin at byte 8'],
    ['the same place twice', { a: entry(0, 8), b: entry(0, 8) }, 8, 'must begin at byte 8'],
    ['a gap', { a: entry(0, 4), b: entry(8, 12) }, 12, 'must begin at byte 4'],
    ['a gap before the first tensor', { a: entry(4, 8) }, 8, 'must begin at byte 0'],
    ['surplus bytes', { a: entry(0, 4) }, 5, 'end at byte 4 of 5'],
    ['surplus bytes without tensors', {}, 1, 'end at byte 0 of 1'],
    ['missing bytes', { a: entry(0, 8) }, 7, 'ends at byte 8 of 7'],
    ['a shape that does not fit', { a: entry(0, 8, [3]) }, 8, 'needs 12 bytes, found 8'],
    ['an end before the beginning', { a: entry(8, 0, [0]) }, 8, 'needs 0 bytes, found -8'],
    ['negative offsets', { a: { ...entry(0, 4), data_offsets: [-4, 0] } }, 4, 'whole numbers >= 0'],
    ['fractions', { a: { ...entry(0, 4), shape: [1.5] } }, 4, 'whole numbers >= 0'],
    ['one offset', { a: { ...entry(0, 4), data_offsets: [4] } }, 4, 'whole numbers >= 0'],
    ['huge shapes', { a: entry(0, 4, [2 ** 53, 2]) }, 4, 'whole numbers >= 0'],
    ['shapes whose product is huge', { a: entry(0, 4, [2 ** 40, 2 ** 40]) }, 4, 'found 4'],
  ])('refuses %s', (_, header, dataBytes, message) => {
    expect(() => decodeSafetensors(fileOf(header, dataBytes))).toThrow(RangeError);
    expect(() => decodeSafetensors(fileOf(header, dataBytes))).toThrow(message);
  });

  test.each(['F16', 'BF16', 'U8', 'F64', 'f32', 5, null])('refuses the type %s by name', (dtype) => {
    const header = { a: { dtype, shape: [1], data_offsets: [0, 4] } };
    expect(() => decodeSafetensors(fileOf(header, 4))).toThrow(TypeError);
    expect(() => decodeSafetensors(fileOf(header, 4))).toThrow('F32, I32 or I64');
  });

  test.each([
    [
      'a name twice',
      '{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}',
    ],
    ['a member twice', '{"a":{"dtype":"F32","dtype":"F32","shape":[0],"data_offsets":[0,0]}}'],
    ['text that is not JSON', '{"a":'],
    ['a list', '[]'],
    ['a blank first', ' {}'],
    ['null', 'null'],
    ['an entry that is not an object', '{"a":5}'],
    ['a surplus member', '{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"x":1}}'],
    ['a missing member', '{"a":{"dtype":"F32","shape":[0]}}'],
    ['metadata that is not text', '{"__metadata__":{"rounds":5}}'],
    ['metadata that is a list', '{"__metadata__":["a"]}'],
  ])('refuses a header with %s', (_, header) => {
    expect(() => decodeSafetensors(fileOf(header, 0))).toThrow(SyntaxError);
  });

  test('refuses a header that is not UTF-8', () => {
    const file = fileOf('{"ab":1}', 0);
    file[10] = 0xff;
    expect(() => decodeSafetensors(file)).toThrow('not UTF-8');
  });

  test.each([0n, 3n, 2n ** 63n, 2n ** 64n - 1n, 100_000_001n])('refuses a header length of %s', (length) => {
    expect(() => decodeSafetensors(fileOf('{}', 0, length))).toThrow();
  });

  test('refuses a file without a header', () => {
    for (const length of [0, 7]) expect(() => decodeSafetensors(new Uint8Array(length))).toThrow('at least 8 bytes');
    expect(() => decodeSafetensors(encodeSafetensors(tensors).subarray(0, 40))).toThrow(RangeError);
  });
});

const golden = path.resolve(import.meta.dirname, '../../../shared/golden');
const present = existsSync(golden);
if (!present)
  console.info('Tests on files written by PyTorch are skipped: there is no ../shared/golden beside the project.');

test.skipIf(!present)('decodeSafetensors() reads every file that PyTorch wrote for the reference values', () => {
  const files = readdirSync(golden).filter((name) => name.endsWith('.safetensors'));
  expect(files.length).toBeGreaterThan(50);
  const types = new Set<string>();
  for (const name of files) {
    const { tensors: read } = decodeSafetensors(readFileSync(path.join(golden, name)));
    expect(read.size).toBeGreaterThan(0);
    for (const { dtype, shape, data } of read.values()) {
      types.add(dtype);
      expect(data.length).toBe(shape.reduce((product, size) => product * size, 1));
      if (dtype === 'F32') expect(data.every(Number.isFinite)).toBe(true);
    }
  }
  expect(types).toEqual(new Set(['F32', 'I32', 'I64']));
});
