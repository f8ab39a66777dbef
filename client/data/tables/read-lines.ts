/** Lines of a text file, one after the other and never the whole file; a line longer than the limit comes as null. */
import { createReadStream } from 'node:fs';

export interface ReadLinesOptions {
  readonly mostCharacters: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Lines end in LF, CRLF or the end of the file; a byte order mark is dropped.
 *
 * @throws the file system's errors (whose messages name the path) and the signal's reason.
 */
export async function* readLines(
  path: string,
  { mostCharacters, signal }: ReadLinesOptions,
): AsyncGenerator<string | null> {
  const stream = createReadStream(path, { encoding: 'utf8', highWaterMark: 256 * 1024, signal });
  let rest = '';
  let skipping = false;
  let first = true;
  for await (const piece of stream as AsyncIterable<string>) {
    const chunk: string = first && piece.startsWith('\uFEFF') ? piece.slice(1) : piece;
    first = false;
    let start = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', start)) {
      const line = rest + chunk.slice(start, end);
      const tooLong = skipping || line.length > mostCharacters;
      yield tooLong ? null : line.endsWith('\r') ? line.slice(0, -1) : line;
      rest = '';
      skipping = false;
      start = end + 1;
    }
    if (skipping || rest.length + chunk.length - start > mostCharacters) {
      skipping = true;
      rest = '';
    } else rest += chunk.slice(start);
  }
  if (skipping) yield null;
  else if (rest !== '') yield rest.endsWith('\r') ? rest.slice(0, -1) : rest;
}
