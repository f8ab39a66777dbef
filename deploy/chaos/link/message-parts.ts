/** Cuts one direction of an HTTP/1.1 connection into heads and bodies, so that faults hit where they are meant to. */

export interface Head {
  /** Such as `GET /v1/work HTTP/1.1`. */
  readonly startLine: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** How long its body is; null when the rest of the connection is no HTTP of known length. */
  readonly bodyBytes: number | null;
}

export type Part =
  | { readonly kind: 'head'; readonly bytes: Buffer; readonly head: Head }
  | { readonly kind: 'body'; readonly bytes: Buffer; readonly isEnd: boolean }
  | { readonly kind: 'raw'; readonly bytes: Buffer };

export interface PartReader {
  push(piece: Buffer): Part[];
  /** What follows is looked at no more: the connection speaks another protocol now. */
  goRaw(): void;
}

const END_OF_HEAD = '\r\n\r\n';

export function createPartReader(side: 'requests' | 'answers'): PartReader {
  let head: Buffer = Buffer.alloc(0);
  let bodyLeft = 0;
  let isRaw = false;
  return {
    goRaw() {
      isRaw = true;
    },
    push(piece) {
      const parts: Part[] = [];
      let rest = piece;
      while (rest.length > 0) {
        if (isRaw) {
          parts.push({ kind: 'raw', bytes: head.length === 0 ? rest : Buffer.concat([head, rest]) });
          head = Buffer.alloc(0);
          break;
        }
        if (bodyLeft > 0) {
          const bytes = rest.subarray(0, bodyLeft);
          bodyLeft -= bytes.length;
          rest = rest.subarray(bytes.length);
          parts.push({ kind: 'body', bytes, isEnd: bodyLeft === 0 });
          continue;
        }
        head = Buffer.concat([head, rest]);
        const end = head.indexOf(END_OF_HEAD);
        if (end < 0) break;
        const bytes = head.subarray(0, end + END_OF_HEAD.length);
        rest = head.subarray(bytes.length);
        head = Buffer.alloc(0);
        const parsed = parseHead(bytes.toString('latin1'), side);
        parts.push({ kind: 'head', bytes, head: parsed });
        bodyLeft = parsed.bodyBytes ?? 0;
        isRaw ||= parsed.bodyBytes === null;
      }
      return parts;
    },
  };
}

function parseHead(text: string, side: 'requests' | 'answers'): Head {
  const [startLine = '', ...lines] = text.slice(0, -END_OF_HEAD.length).split('\r\n');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { startLine, headers, bodyBytes: bodyBytes(side === 'answers' ? statusOf(startLine) : null, headers) };
}

/** RFC 9112 section 6.3, without what neither side of this program sends. */
function bodyBytes(status: number | null, headers: ReadonlyMap<string, string>): number | null {
  if (status === 101) return null;
  if (status !== null && (status < 200 || status === 204 || status === 304)) return 0;
  if (headers.has('transfer-encoding')) return null;
  const length = headers.get('content-length');
  if (length !== undefined) return Number(length);
  return status === null ? 0 : null;
}

export function statusOf(startLine: string): number {
  return Number(startLine.split(' ')[1]);
}

/** The head without the wish for another protocol, as proxies send it on that know of none. */
export function withoutUpgrade(bytes: Buffer): Buffer {
  const kept = bytes
    .toString('latin1')
    .split('\r\n')
    .filter((line) => !/^(upgrade|connection|sec-websocket-[a-z-]+):/i.test(line));
  return Buffer.from(kept.join('\r\n'), 'latin1');
}
