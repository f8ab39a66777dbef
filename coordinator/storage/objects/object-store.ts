/** Bytes under names, as object stores have them: written whole, read by ranges, listed by the beginning of their names. */
import type { Readable } from 'node:stream';

export interface ObjectStore {
  /** Durable when it resolves; in place of what had the name. */
  put(name: string, content: Uint8Array | { readonly file: string }): Promise<void>;
  /** The bytes from `start` to `end`, both included, or all of them; null when there is no such object. */
  get(name: string, range?: { readonly start: number; readonly end: number }): Promise<Readable | null>;
  /** Null when there is no such object. */
  look(name: string): Promise<StoredObject | null>;
  /** Those whose names begin so, in the order of their names. */
  list(beginning: string): AsyncIterable<StoredObject>;
  /** Also when there is none. */
  remove(name: string): Promise<void>;
}

export interface StoredObject {
  readonly name: string;
  readonly bytes: number;
  readonly modifiedMillis: number;
}

/** All bytes of one object; null when there is none. */
export async function readObject(objects: Pick<ObjectStore, 'get'>, name: string): Promise<Buffer | null> {
  const stream = await objects.get(name);
  if (stream === null) return null;
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}
