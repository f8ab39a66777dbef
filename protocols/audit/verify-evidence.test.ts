import { readFile } from 'node:fs/promises';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { SIGNATURE_HEADERS, signRequest } from '@wardround/shared/crypto/signed-request.ts';
import { describe, expect, test } from 'vitest';
import { EquivocationEvidence, SignedStatement, verifyEvidence } from './verify-evidence.ts';

const identity = generateIdentity();
const { signingKey } = publicKeys(identity);
const coordinator = 'c'.repeat(64);
const path = `/v1/studies/${'a'.repeat(64)}/stages/slices/rounds/3/attempts/1/masked-input`;

function statement(
  body: string,
  change: { path?: string; identity?: typeof identity; site?: string; coordinator?: string } = {},
): SignedStatement {
  const { identity: by = identity, site = 'basel' } = change;
  const request = { method: 'POST', path: change.path ?? path } as const;
  const headers = signRequest({
    ...request,
    identity: by,
    site,
    bodyHash: sha256Hex(body),
    coordinatorFingerprint: change.coordinator ?? coordinator,
    nowMillis: 1_790_000_000_000,
    sequence: 8,
  });
  return SignedStatement.parse({ ...request, signingKey: publicKeys(by).signingKey, headers });
}

const evidence = (...statements: SignedStatement[]) => ({
  format: 'wardround-equivocation/1',
  coordinator,
  statements,
});
const check = (document: unknown, signingKeys = [signingKey]) =>
  verifyEvidence(document, { site: 'basel', signingKeys });

describe('verifyEvidence()', () => {
  test('finds a site that said two things at one address', () => {
    const finding = check(evidence(statement('a'), statement('b')));
    expect(finding).toEqual({ ok: true, site: 'basel', path, bodies: [sha256Hex('a'), sha256Hex('b')] });
    const update = { path: path.replace(/attempts.*/, 'update') };
    expect(check(evidence(statement('a', update), statement('b', update))).ok).toBe(true);
  });

  test('knows the answer to evidence that was recorded', async () => {
    const url = new URL('test-vectors/equivocation.json', import.meta.url);
    const { site, signingKeys, document, bodies } = JSON.parse(await readFile(url, 'utf8'));
    expect(verifyEvidence(document, { site, signingKeys })).toMatchObject({ ok: true, site, bodies });
    const text = JSON.stringify(EquivocationEvidence.parse(document));
    expect(() => JSON.parse(text)).not.toThrow();
  });

  test('finds it when the site changed its keys between the two', () => {
    const next = generateIdentity();
    const document = evidence(statement('a'), statement('b', { identity: next }));
    expect(check(document, [publicKeys(next).signingKey, signingKey]).ok).toBe(true);
    expect(check(document)).toMatchObject({ ok: false, fault: { kind: 'bad-signature' } });
  });

  const other = `/v1/studies/${'a'.repeat(64)}`;
  test.each<[string, unknown, string]>([
    ['the same said twice', evidence(statement('a'), statement('a')), 'mismatch'],
    ['two addresses', evidence(statement('a'), statement('b', { path: path.replace('/3/', '/4/') })), 'mismatch'],
    [
      'an address at which a site may say different things',
      evidence(statement('a', { path: '/v1/progress' }), statement('b', { path: '/v1/progress' })),
      'mismatch',
    ],
    [
      'evaluations, which are sealed anew',
      evidence(statement('a', { path: `${other}/evaluation` }), statement('b', { path: `${other}/evaluation` })),
      'mismatch',
    ],
    ['another site', evidence(statement('a'), statement('b', { site: 'geneva' })), 'bad-signature'],
    ['another key', evidence(statement('a'), statement('b', { identity: generateIdentity() })), 'bad-signature'],
    ['another coordinator', evidence(statement('a'), statement('b', { coordinator: 'd'.repeat(64) })), 'bad-signature'],
    [
      'another body put in its place',
      evidence(statement('a'), {
        ...statement('a'),
        headers: { ...statement('a').headers, [SIGNATURE_HEADERS.contentSha256]: sha256Hex('b') },
      }),
      'bad-signature',
    ],
    ['one request alone', evidence(statement('a')), 'unreadable'],
    ['garbage', { statements: null }, 'unreadable'],
  ])('does not take %s for it', (_, document, kind) => {
    expect(check(document)).toMatchObject({ ok: false, fault: { kind } });
  });
});
