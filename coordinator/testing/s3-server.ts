/**
 * An S3 server for tests, in memory: what the coordinator uses of the protocol, path-style, with AWS Signature Version 4
 * checked on every request (AWS General Reference, "Create a signed AWS API request"). Not for anything else.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface S3Server {
  /** The environment with which a coordinator uses it. */
  readonly env: Readonly<Record<string, string>>;
  /** The objects of all buckets, by `bucket/key`; a test may change them. */
  readonly objects: Map<string, StoredContent>;
  /** How many requests were refused for their signature. */
  refused(): number;
  /** Answers so many of the next requests with 503. */
  failNext(count: number): void;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface StoredContent {
  readonly bytes: Buffer;
  readonly modified: Date;
}

const keys = { id: 'TESTKEYID', secret: 'a-secret-for-tests-alone' } as const;
const mostListed = 1000;

export async function startS3Server(): Promise<S3Server> {
  const objects = new Map<string, StoredContent>();
  const parts = new Map<string, Map<number, Buffer>>();
  let refusals = 0;
  let failures = 0;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const url = new URL(request.url ?? '/', 'http://s3');
    if (failures > 0) {
      failures -= 1;
      return fail(response, 503, 'SlowDown');
    }
    if (!isSigned(request, url, body)) {
      refusals += 1;
      return fail(response, 403, 'SignatureDoesNotMatch');
    }
    const name = decodeURIComponent(url.pathname).slice(1);
    const query = url.searchParams;
    const upload = query.get('uploadId');
    if (request.method === 'GET' && query.get('list-type') === '2')
      return list(response, name.split('/')[0] ?? '', query);
    if (request.method === 'POST' && query.has('uploads')) {
      const id = `upload-${parts.size}`;
      parts.set(id, new Map());
      return xml(response, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
    }
    if (request.method === 'PUT' && upload !== null) {
      parts.get(upload)?.set(Number(query.get('partNumber')), body);
      return void response.writeHead(200, { etag: etagOf(body) }).end();
    }
    if (request.method === 'POST' && upload !== null) {
      const whole = Buffer.concat([...(parts.get(upload) ?? [])].sort(([a], [b]) => a - b).map(([, part]) => part));
      objects.set(name, { bytes: whole, modified: new Date() });
      parts.delete(upload);
      return xml(
        response,
        `<CompleteMultipartUploadResult><ETag>${etagOf(whole)}</ETag></CompleteMultipartUploadResult>`,
      );
    }
    if (request.method === 'DELETE') {
      if (upload === null) objects.delete(name);
      else parts.delete(upload);
      return void response.writeHead(204).end();
    }
    if (request.method === 'PUT') {
      objects.set(name, { bytes: body, modified: new Date() });
      return void response.writeHead(200, { etag: etagOf(body) }).end();
    }
    return read(request, response, name);
  };

  const read = (request: IncomingMessage, response: ServerResponse, name: string): void => {
    const found = objects.get(name);
    if (found === undefined) {
      fail(response, 404, 'NoSuchKey');
      return;
    }
    const { bytes, modified } = found;
    const headers = { etag: etagOf(bytes), 'last-modified': modified.toUTCString() };
    const range = /^bytes=(\d+)-(\d+)$/.exec(String(request.headers['range'] ?? ''));
    const start = range === null ? 0 : Number(range[1]);
    const end = Math.min(range === null ? bytes.length : Number(range[2]) + 1, bytes.length);
    if (range !== null && start >= bytes.length) {
      fail(response, 416, 'InvalidRange');
      return;
    }
    const part = bytes.subarray(start, end);
    const place = range === null ? {} : { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` };
    response.writeHead(range === null ? 200 : 206, { ...headers, ...place, 'content-length': part.length });
    response.end(request.method === 'HEAD' ? undefined : part);
  };

  const list = (response: ServerResponse, bucket: string, query: URLSearchParams): void => {
    const beginning = `${bucket}/${query.get('prefix') ?? ''}`;
    const after = query.get('continuation-token') ?? '';
    const names = [...objects.keys()].filter((name) => name.startsWith(beginning) && name > after).sort();
    const page = names.slice(0, mostListed);
    const contents = page.map((name) => {
      const { bytes, modified } = objects.get(name)!;
      const key = name.slice(bucket.length + 1);
      return `<Contents><Key>${key}</Key><Size>${bytes.length}</Size><LastModified>${modified.toISOString()}</LastModified></Contents>`;
    });
    const isCut = page.length < names.length;
    const next = isCut ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
    xml(
      response,
      `<ListBucketResult><IsTruncated>${isCut}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`,
    );
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return {
    env: {
      AWS_ACCESS_KEY_ID: keys.id,
      AWS_SECRET_ACCESS_KEY: keys.secret,
      AWS_REGION: 'eu-central-2',
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
    },
    objects,
    refused: () => refusals,
    failNext(count) {
      failures = count;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function isSigned(request: IncomingMessage, url: URL, body: Buffer): boolean {
  const claims =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? '',
    );
  const [, id, scope = '', signedHeaders = '', signature = ''] = claims ?? [];
  const payload = String(request.headers['x-amz-content-sha256'] ?? '');
  if (id !== keys.id || (payload !== 'UNSIGNED-PAYLOAD' && payload !== sha256(body))) return false;
  const query = [...url.searchParams]
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&');
  const headers = signedHeaders
    .split(';')
    .map(
      (name) =>
        `${name}:${String(request.headers[name] ?? '')
          .trim()
          .replace(/ +/g, ' ')}\n`,
    )
    .join('');
  const canonical = [request.method, url.pathname, query, headers, signedHeaders, payload].join('\n');
  const time = String(request.headers['x-amz-date'] ?? '');
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(Buffer.from(canonical))].join('\n');
  const key = scope
    .split('/')
    .reduce<Buffer | string>(
      (secret, word) => createHmac('sha256', secret).update(word).digest(),
      `AWS4${keys.secret}`,
    );
  const expected = createHmac('sha256', key).update(text).digest();
  return timingSafeEqual(expected, Buffer.from(signature, 'hex'));
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

function xml(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/xml' }).end(`<?xml version="1.0" encoding="UTF-8"?>${text}`);
}

function fail(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' }).end(`<Error><Code>${code}</Code></Error>`);
}
