import { encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { sha256, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { describe, expect, test } from 'vitest';
import {
  createInvitation,
  decodeInvitation,
  encodeInvitation,
  INVITATION_LIFETIME_MILLIS,
  InvitationError,
  type InvitationFault,
  invitationSecretHash,
} from './invitation.ts';

const nowMillis = 1_790_000_000_000;
const invitation = {
  url: 'https://coordinator.example.org',
  fingerprint: sha256Hex('coordinator'),
  secret: new Uint8Array(32).fill(5),
  site: 'charite',
  expiresMillis: nowMillis + 1,
};
const token = encodeInvitation(invitation);

/** Expects this refusal, with a message that holds no part of the token. */
function refused(code: InvitationFault, text: string, now = nowMillis): void {
  let found: unknown;
  try {
    decodeInvitation(text, { nowMillis: now });
  } catch (error) {
    found = error;
  }
  expect(found).toBeInstanceOf(InvitationError);
  expect(found).toMatchObject({ code });
  const content = text.replace(/^\s*wardround[0-9]*\./, '').slice(0, 12);
  if (content.length === 12) expect((found as Error).message).not.toContain(content);
}

/** A token of version 1 around any payload, with a right checksum. */
function tokenOf(payload: string): string {
  const bytes = Buffer.from(payload);
  const checksum = sha256(Buffer.concat([Buffer.from('wardround/invitation/1\n'), bytes])).subarray(0, 4);
  return `wardround1.${encodeBase64Url(Buffer.concat([bytes, checksum]))}`;
}

describe('encodeInvitation()', () => {
  test('gives a known token', () => {
    expect(token).toBe(
      'wardround1.eyJleHBpcmVzTWlsbGlzIjoxNzkwMDAwMDAwMDAxLCJmaW5nZXJwcmludCI6ImJmMjQzODUwOTg0MTAzOTFhODFkOTJiMmRlNzJkM2EyOTQ2ZDI0ZjQyZWUzODdlNTEwMDRhODY4MjgxYTI0MDgiLCJzZWNyZXQiOiJCUVVGQlFVRkJRVUZCUVVGQlFVRkJRVUZCUVVGQlFVRkJRVUZCUVVGQlFVIiwic2l0ZSI6ImNoYXJpdGUiLCJ1cmwiOiJodHRwczovL2Nvb3JkaW5hdG9yLmV4YW1wbGUub3JnIn1uN5as',
    );
  });

  test.each([
    ['url', { url: 'ftp://example.org' }],
    ['url', { url: 'coordinator' }],
    ['url', { url: 'https://name:password@example.org' }],
    ['fingerprint', { fingerprint: 'abc' }],
    ['secret', { secret: new Uint8Array(31) }],
    ['site', { site: 'Charité' }],
    ['expiresMillis', { expiresMillis: Number.NaN }],
  ])('refuses a bad %s', (name, change) => {
    expect(() => encodeInvitation({ ...invitation, ...change })).toThrow(name);
  });
});

describe('decodeInvitation()', () => {
  test('gives the invitation back, also with the blanks and line breaks of a mail', () => {
    expect(decodeInvitation(token, { nowMillis })).toEqual(invitation);
    expect(decodeInvitation(`  ${token.slice(0, 40)}\r\n ${token.slice(40)}\n`, { nowMillis })).toEqual(invitation);
  });

  test('refuses an expired one, from the millisecond on', () => {
    refused('invitation-expired', token, nowMillis + 1);
    refused('invitation-expired', token, nowMillis + 1e12);
  });

  test('finds every single wrong character', () => {
    for (let at = 'wardround1.'.length; at < token.length; at += 1) {
      for (const wrong of ['A', 'b', '7', '_']) {
        if (token[at] !== wrong) refused('invitation-mistyped', token.slice(0, at) + wrong + token.slice(at + 1));
      }
    }
  });

  test('finds every truncation', () => {
    for (let end = 'wardround1.'.length; end < token.length; end += 1)
      refused('invitation-mistyped', token.slice(0, end));
    for (let end = 0; end < 'wardround1.'.length; end += 1) refused('not-an-invitation', token.slice(0, end));
  });

  test('finds surplus and foreign characters', () => {
    refused('invitation-mistyped', `${token}A`);
    refused('invitation-mistyped', `${token}=`);
    refused('invitation-mistyped', token.replace('wardround1.', 'wardround1.ü'));
  });

  test('refuses other versions by name', () => {
    refused('invitation-version', token.replace('wardround1', 'wardround2'));
    refused('invitation-version', token.replace('wardround1', 'wardround01'));
  });

  test.each([
    '',
    'hello',
    'https://coordinator.example.org',
    'wardround.AAAA',
    `Wardround1.${token.slice(11)}`,
  ])('refuses %j', (text) => refused('not-an-invitation', text));

  test('refuses a huge text without reading it all', () => {
    refused('not-an-invitation', `wardround1.${'A'.repeat(10_000_000)}`);
  });

  test.each([
    'null',
    '{',
    '{}',
    JSON.stringify({ ...invitation, secret: 'AAAA' }),
    JSON.stringify({ ...invitation, secret: encodeBase64Url(invitation.secret), url: 'javascript:alert(1)' }),
    JSON.stringify({ ...invitation, secret: encodeBase64Url(invitation.secret), more: 1 }),
  ])('refuses the payload %s although its checksum is right', (payload) => {
    refused('not-an-invitation', tokenOf(payload));
  });
});

describe('createInvitation()', () => {
  const { url, fingerprint, site } = invitation;

  test('is good for 24 hours and keeps the hash of its secret', () => {
    const created = createInvitation({ url, fingerprint, site, nowMillis });
    const read = decodeInvitation(created.token, { nowMillis: nowMillis + INVITATION_LIFETIME_MILLIS - 1 });
    expect(read).toMatchObject({ url, fingerprint, site, expiresMillis: nowMillis + 86_400_000 });
    expect(created.secretHash).toBe(invitationSecretHash(read.secret));
    expect(created.expiresMillis).toBe(read.expiresMillis);
  });

  test('draws a new secret each time', () => {
    const hashes = [1, 2].map(() => createInvitation({ url, fingerprint, site, nowMillis }).secretHash);
    expect(hashes[0]).not.toBe(hashes[1]);
  });
});
