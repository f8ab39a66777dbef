import { describe, expect, test } from 'vitest';
import { encodeBase64Url } from '../bytes/base64url.ts';
import { sha256Hex } from '../bytes/hash.ts';
import { generateIdentity, publicKeys } from './identity.ts';
import {
  type HeaderFields,
  readRequestClaims,
  type SignatureFault,
  SignatureRefusedError,
  signAnswer,
  signRequest,
  verifyAnswer,
  verifyRequest,
} from './signed-request.ts';

const identity = {
  signingSeed: Uint8Array.from({ length: 32 }, (_, index) => index),
  sealingSecret: Uint8Array.from({ length: 32 }, (_, index) => 32 + index),
};
const { signingKey } = publicKeys(identity);
const request = {
  method: 'POST',
  path: '/v1/progress?page=2',
  bodyHash: sha256Hex('{"done":1}'),
  coordinatorFingerprint: sha256Hex('coordinator'),
  nowMillis: 1_790_000_000_000,
  sequence: null,
};
const expected = { ...request, signingKey, toleranceMillis: 300_000 };
const signed = () => signRequest({ ...request, identity, site: 'charite', sequence: 7 });

/** Expects a refusal with this code. */
function refused(code: SignatureFault, act: () => unknown): void {
  let found: unknown;
  try {
    act();
  } catch (error) {
    found = error;
  }
  expect(found).toBeInstanceOf(SignatureRefusedError);
  expect(found).toMatchObject({ code });
}

describe('signRequest()', () => {
  test('gives known headers', () => {
    const nonce = encodeBase64Url(new Uint8Array(32).fill(7));
    expect(signRequest({ ...request, identity, site: 'charite', nonce })).toEqual({
      'wardround-site': 'charite',
      'wardround-time': '1790000000000',
      'wardround-nonce': nonce,
      'wardround-content-sha256': '365f5f94b674aa7451be3cf564e930141fc2156f97a6a2ec4364b63ccf8c32d8',
      'wardround-signature': 'BWTktYq9_G4MJJ0kPJEOpN2KXCjmDuJ2us-aRyFTKy2RZTITi3hYwwCJvHaFY0pnhTducpdEcAMvfqIY5CTuDQ',
    });
  });

  test('gives known headers with a sequence number', () => {
    const nonce = encodeBase64Url(new Uint8Array(32).fill(7));
    expect(signRequest({ ...request, identity, site: 'charite', nonce, sequence: 1024 })).toEqual({
      'wardround-site': 'charite',
      'wardround-time': '1790000000000',
      'wardround-nonce': nonce,
      'wardround-sequence': '1024',
      'wardround-content-sha256': '365f5f94b674aa7451be3cf564e930141fc2156f97a6a2ec4364b63ccf8c32d8',
      'wardround-signature': '8TH68W6oJUkIhMSaMCJiIPUHZ3x2ZRw6Rv4wjOcHps-FWQr6hMP9VJQ3aoA3OEoklxoI81BhXRFQgSurNnbQAQ',
    });
  });

  test('never uses a nonce twice', () => {
    expect(signed()['wardround-nonce']).not.toBe(signed()['wardround-nonce']);
  });

  test('refuses a path with a line break, which would move the fields', () => {
    expect(() => signRequest({ ...request, identity, site: 'a', path: '/v1/x\n/v1/y' })).toThrow(TypeError);
  });
});

describe('verifyRequest()', () => {
  test('accepts the request and returns what it claims', () => {
    const headers = signed();
    expect(verifyRequest(headers, expected)).toEqual({
      site: 'charite',
      timeMillis: request.nowMillis,
      nonce: headers['wardround-nonce'],
      sequence: 7,
      contentSha256: request.bodyHash,
    });
    expect(readRequestClaims(headers).site).toBe('charite');
  });

  test.each([
    ['method', { method: 'PUT' }],
    ['path', { path: '/v1/progress?page=3' }],
    ['query', { path: '/v1/progress' }],
    ['coordinator', { coordinatorFingerprint: sha256Hex('another') }],
    ['signing key', { signingKey: publicKeys(generateIdentity()).signingKey }],
  ])('refuses another %s', (_, change) => {
    refused('signature-invalid', () => verifyRequest(signed(), { ...expected, ...change }));
  });

  test('refuses another body', () => {
    refused('body-hash-mismatch', () => verifyRequest(signed(), { ...expected, bodyHash: sha256Hex('{"done":2}') }));
  });

  test('leaves a body that was not read yet to the caller, with the signed hash', () => {
    expect(verifyRequest(signed(), { ...expected, bodyHash: null }).contentSha256).toBe(request.bodyHash);
    const declared = { ...signed(), 'wardround-content-sha256': sha256Hex('{"done":2}') };
    refused('signature-invalid', () => verifyRequest(declared, { ...expected, bodyHash: null }));
  });

  test.each([
    ['wardround-site', 'tum'],
    ['wardround-time', '1790000000001'],
    ['wardround-nonce', encodeBase64Url(new Uint8Array(32))],
    ['wardround-sequence', '8'],
    ['wardround-content-sha256', sha256Hex('other')],
    ['wardround-signature', 'A'.repeat(86)],
  ])('refuses a changed %s', (name, value) => {
    refused('signature-invalid', () => verifyRequest({ ...signed(), [name]: value }, expected));
  });

  test('refuses a sequence number that was taken away or put there', () => {
    const { 'wardround-sequence': _, ...without } = signed();
    refused('signature-invalid', () => verifyRequest(without, expected));
    const unnumbered = signRequest({ ...request, identity, site: 'charite' });
    expect(verifyRequest(unnumbered, expected).sequence).toBeNull();
    refused('signature-invalid', () => verifyRequest({ ...unnumbered, 'wardround-sequence': '7' }, expected));
  });

  test.each([
    [300_000, true],
    [300_001, false],
    [-300_000, true],
    [-300_001, false],
  ])('at a clock difference of %i ms says %s', (difference, accepted) => {
    const verify = () => verifyRequest(signed(), { ...expected, nowMillis: request.nowMillis + difference });
    if (accepted) expect(verify().site).toBe('charite');
    else refused('clock-skew', verify);
  });

  test('tells the clock difference only to a known signer', () => {
    const late = { ...expected, nowMillis: 0, signingKey: publicKeys(generateIdentity()).signingKey };
    refused('signature-invalid', () => verifyRequest(signed(), late));
  });

  const names = ['site', 'time', 'nonce', 'content-sha256', 'signature'].map((name) => `wardround-${name}`);

  test.each(names)('refuses a missing %s', (name) => {
    const { [name]: _, ...headers } = signed();
    refused('signature-missing', () => verifyRequest(headers, expected));
  });

  const malformed: [string, HeaderFields[string]][] = [...names, 'wardround-sequence'].flatMap((name) =>
    ['', ' ', 'x'.repeat(5000), 'ü', 'A\nB', '=', ['a', 'b']].map((value): [string, HeaderFields[string]] => [
      name,
      value,
    ]),
  );
  test.each([
    ...malformed,
    ['wardround-site', 'Charite'],
    ['wardround-site', '../etc'],
    ['wardround-time', '-1'],
    ['wardround-time', '1e12'],
    ['wardround-time', '01'],
    ['wardround-nonce', 'A'.repeat(42)],
    ['wardround-sequence', '-1'],
    ['wardround-sequence', '07'],
    ['wardround-sequence', '1e3'],
    ['wardround-sequence', '9007199254740993'],
    ['wardround-nonce', `${'A'.repeat(42)}=`],
    ['wardround-content-sha256', 'A'.repeat(64)],
    ['wardround-signature', `${'A'.repeat(84)}==`],
    // The last character has bits that no byte uses: a second spelling of the same signature.
    ['wardround-signature', `${'A'.repeat(85)}B`],
  ] as [string, HeaderFields[string]][])('refuses %s as %j', (name, value) => {
    refused('signature-malformed', () => verifyRequest({ ...signed(), [name]: value }, expected));
  });
});

describe('signAnswer() and verifyAnswer()', () => {
  const answer = {
    status: 200,
    bodyHash: sha256Hex('{"ok":true}'),
    requestNonce: encodeBase64Url(new Uint8Array(32).fill(9)),
  };
  const headers = signAnswer({ ...answer, identity, nowMillis: 1_790_000_000_500 });

  test('give known headers', () => {
    expect(headers).toEqual({
      'wardround-time': '1790000000500',
      'wardround-content-sha256': answer.bodyHash,
      'wardround-signature': '0CWpk04qVq_hiR9zXpq17K7moetzJBTbI5uofZWJZ6dVpZwJ5WLWEPEZlVBsoJnZCVkDcs24jxJ_yKJ2_pg0Aw',
    });
  });

  test('accept the answer and tell the coordinator’s time', () => {
    expect(verifyAnswer(headers, { ...answer, signingKey })).toEqual({ timeMillis: 1_790_000_000_500 });
  });

  test.each([
    ['status', { status: 403 }],
    ['request', { requestNonce: encodeBase64Url(new Uint8Array(32)) }],
    ['signing key', { signingKey: publicKeys(generateIdentity()).signingKey }],
  ])('refuse another %s', (_, change) => {
    refused('signature-invalid', () => verifyAnswer(headers, { ...answer, signingKey, ...change }));
  });

  test('refuse another body, time or no signature', () => {
    const check =
      (of: HeaderFields, bodyHash = answer.bodyHash) =>
      () =>
        verifyAnswer(of, { ...answer, bodyHash, signingKey });
    refused('body-hash-mismatch', check(headers, sha256Hex('{"ok":false}')));
    refused('signature-invalid', check({ ...headers, 'wardround-time': '1790000000501' }));
    refused('signature-missing', check({ ...headers, 'wardround-signature': undefined }));
    refused('signature-missing', check({}));
  });

  test('do not take a request’s signature for an answer’s', () => {
    refused('signature-invalid', () => verifyAnswer(signed(), { ...answer, bodyHash: request.bodyHash, signingKey }));
  });
});
