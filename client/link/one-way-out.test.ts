/** The egress ledger holds whatever leaves only if nothing else in the client can open a connection. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const client = join(import.meta.dirname, '..');
const CONNECTS =
  /\bfetch\(|XMLHttpRequest|new WebSocket|from '(?:node:(?:https?|http2|net|tls|dgram)|undici|ws|socket\.io-client)'/;
/** Types alone open nothing. */
const TYPE_IMPORT = /^import type .*$/gm;

describe('the client', () => {
  test('opens connections in two places only: requests, which are recorded one by one, and the socket of hints', () => {
    const sources = globSync('**/*.ts', { cwd: client, exclude: ['node_modules/**', '**/*.test.ts'] });
    const connecting = sources.filter((file) =>
      CONNECTS.test(readFileSync(join(client, file), 'utf8').replace(TYPE_IMPORT, '')),
    );
    expect(connecting.sort()).toEqual([join('link', 'hint-socket.ts'), join('link', 'http-exchange.ts')]);
  });
});
