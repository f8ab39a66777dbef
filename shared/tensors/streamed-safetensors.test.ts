import { type FileHandle, mkdtemp, open, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSafetensors } from './open-safetensors.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';
import { type StreamedTensor, writeSafetensors } from './write-safetensors.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'safetensors-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function withFile<T>(bytes: Uint8Array | AsyncIterable<Uint8Array>, use: (file: FileHandle) => Promise<T>) {
  const name = path.join(folder, 'model.safetensors');
  await using file = await open(name, 'w+');
  await file.writeFile(bytes as Uint8Array);
  return await use(file);
}

const tensors = [
  { name: 'norm.weight', shape: [2, 3], data: Float32Array.from([1, -2, 3.5, 0, 1e-30, -0]) },
  { name: 'scale', shape: [], data: Float32Array.from([7]) },
  { name: 'empty', shape: [0, 4], data: new Float32Array(0) },
];

function inPieces({ name, shape, data }: (typeof tensors)[number], length: number): StreamedTensor {
  return {
    name,
    shape,
    *pieces() {
      for (let first = 0; first < data.length; first += length) yield data.subarray(first, first + length);
    },
  };
}

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece.slice());
  return Buffer.concat(parts);
}

describe('writeSafetensors()', () => {
  test.each([1, 4, 100])('writes what encodeSafetensors() does, %i numbers at a time', async (length) => {
    const metadata = { format: 'pt' };
    const streamed = await joined(
      writeSafetensors(
        tensors.map((tensor) => inPieces(tensor, length)),
        metadata,
      ),
    );
    expect(streamed).toEqual(Buffer.from(encodeSafetensors(tensors, metadata)));
  });

  test('refuses too few and too many numbers, and names twice before the first byte', async () => {
    const odd = (shape: number[]) => [{ ...inPieces(tensors[0]!, 2), shape }];
    await expect(joined(writeSafetensors(odd([7])))).rejects.toThrow(
      '"norm.weight": its shape [7] holds 7 numbers, found 6',
    );
    await expect(joined(writeSafetensors(odd([5])))).rejects.toThrow('holds 5 numbers, found more');
    const twice = writeSafetensors([inPieces(tensors[1]!, 1), inPieces(tensors[1]!, 1)]);
    await expect(twice.next()).rejects.toThrow('"scale"');
  });
});

describe('openSafetensors()', () => {
  test('gives back what was written', async () => {
    await withFile(encodeSafetensors(tensors, { format: 'pt' }), async (file) => {
      const opened = await openSafetensors(file, { pieceBytes: 8 });
      expect(opened.metadata).toEqual({ format: 'pt' });
      expect(opened.entries.map(({ name, shape }) => ({ name, shape }))).toEqual(
        tensors.map(({ name, shape }) => ({ name, shape })),
      );
      for (const { name, data } of tensors) expect(await opened.read(name)).toEqual(data);
    });
  });

  test('holds a few pieces of a large file and no more, writing and reading', async () => {
    const shape = [1000, 1200];
    const pieceNumbers = 4096;
    const value = (index: number) => Math.fround(Math.sin(index));
    const total = 1_200_000;
    const large: StreamedTensor = {
      name: 'large',
      shape,
      *pieces() {
        for (let first = 0; first < total; first += pieceNumbers) {
          const length = Math.min(pieceNumbers, total - first);
          yield Float32Array.from({ length }, (_, index) => value(first + index));
        }
      },
    };
    await withFile(writeSafetensors([large]), async (file) => {
      const reads: number[] = [];
      const watched = {
        stat: () => file.stat(),
        read: (buffer: Uint8Array, offset: number, length: number, position: number) => {
          reads.push(buffer.byteLength);
          return file.read(buffer, offset, length, position);
        },
      } as unknown as Pick<FileHandle, 'read' | 'stat'>;
      const opened = await openSafetensors(watched, { pieceBytes: 4 * pieceNumbers });
      let index = 0;
      for await (const piece of opened.pieces('large')) {
        expect(piece.length).toBeLessThanOrEqual(pieceNumbers);
        expect(piece[0]).toBe(value(index));
        expect(piece.at(-1)).toBe(value(index + piece.length - 1));
        index += piece.length;
      }
      expect(index).toBe(total);
      expect(reads.length).toBeGreaterThan(290);
      expect(Math.max(...reads)).toBe(4 * pieceNumbers);
    });
  });

  /** Tensors of any types over the bytes given. */
  function fileOf(header: Record<string, { dtype: string; shape: number[]; bytes: Uint8Array }>): Uint8Array {
    let end = 0;
    const entries = Object.entries(header).map(([name, { dtype, shape, bytes }]) => {
      const begin = end;
      end += bytes.length;
      return [name, { dtype, shape, data_offsets: [begin, end] }];
    });
    const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    return Buffer.concat([length, json, ...Object.values(header).map(({ bytes }) => bytes)]);
  }
  const bytesOf = (numbers: Uint16Array | BigInt64Array) => new Uint8Array(numbers.buffer);

  test('reads F16 and BF16 as float32, and says what it cannot read', async () => {
    const bytes = fileOf({
      half: { dtype: 'F16', shape: [3], bytes: bytesOf(Uint16Array.of(0x3c00, 0xc000, 0x3555)) },
      brain: { dtype: 'BF16', shape: [2], bytes: bytesOf(Uint16Array.of(0x4049, 0xbf80)) },
      steps: { dtype: 'I64', shape: [], bytes: bytesOf(BigInt64Array.of(5n)) },
    });
    await withFile(bytes, async (file) => {
      const opened = await openSafetensors(file, { pieceBytes: 4 });
      expect([...(await opened.read('half'))]).toEqual([1, -2, 0.333251953125]);
      expect([...(await opened.read('brain'))]).toEqual([3.140625, -1]);
      await expect(opened.read('steps')).rejects.toThrow('"steps": needed the type F32, F16 or BF16, found I64');
      await expect(opened.read('other')).rejects.toThrow('"other": the file has no such tensor');
    });
  });

  test('is as strict as decodeSafetensors()', async () => {
    const whole = encodeSafetensors(tensors);
    const broken: [Uint8Array, string][] = [
      [whole.subarray(0, 5), 'at least 8 bytes, found 5'],
      [whole.subarray(0, 40), 'header must fit'],
      [whole.subarray(0, -1), 'of 27 bytes of data'],
      [Buffer.concat([whole, Buffer.alloc(1)]), 'end at byte 28 of 29'],
      [fileOf({ a: { dtype: 'Q4', shape: [1], bytes: new Uint8Array(4) } }), 'found Q4'],
    ];
    for (const [bytes, message] of broken) {
      expect(() => decodeSafetensors(bytes)).toThrow(message);
      await withFile(bytes, (file) => expect(openSafetensors(file)).rejects.toThrow(message));
    }
  });

  test('says so when the file becomes shorter', async () => {
    await withFile(encodeSafetensors(tensors), async (file) => {
      const opened = await openSafetensors(file);
      await truncate(path.join(folder, 'model.safetensors'), (await file.stat()).size - 28);
      await expect(opened.read('norm.weight')).rejects.toThrow('24 more were expected');
    });
  });
});
