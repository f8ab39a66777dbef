import { generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { describe, expect, test } from 'vitest';
import { readDocumentStatement, signDocument } from '../session/document-statement.ts';
import { verifyDocumentEvidence } from './verify-document-evidence.ts';

const identity = generateIdentity();
const { signingKey } = publicKeys(identity);
const path = `/v1/studies/${'a'.repeat(64)}/stages/slices/rounds/3/attempts/1/consistency`;

function statement(survivors: string[], { site = 'basel', at = path, by = identity } = {}) {
  const document = { step: 'consistency' as const, document: { survivors } };
  const signature = signDocument({ site, path: at, document }, by);
  const read = readDocumentStatement(signature, { site, path: at, document }, publicKeys(by).signingKey);
  if (read === null) throw new Error('the statement cannot be read');
  return read;
}
const evidence = (...statements: unknown[]) => ({
  format: 'wardround-document-evidence/1',
  site: 'basel',
  atMillis: 1,
  statements,
});
const faultOf = (document: unknown) => {
  const finding = verifyDocumentEvidence(document, { signingKey });
  return finding.ok ? null : finding.fault.kind;
};
const first = statement(['basel', 'geneva', 'zurich']);
const second = statement(['basel', 'geneva']);

describe('verifyDocumentEvidence()', () => {
  test('proves that two documents were signed for one site and address', () => {
    expect(verifyDocumentEvidence(evidence(first, second), { signingKey })).toEqual({
      ok: true,
      site: 'basel',
      path,
      documents: [first.document, second.document],
    });
  });

  test('is not had by repeating, and not of two addresses, two sites or another coordinator', () => {
    expect(faultOf(evidence(first, statement(['basel', 'geneva', 'zurich'])))).toBe('mismatch');
    const next = statement(['basel'], { at: path.replace('attempts/1', 'attempts/2') });
    expect(faultOf(evidence(first, next))).toBe('mismatch');
    expect(faultOf(evidence(first, { ...next, path }))).toBe('bad-signature');
    expect(faultOf(evidence(first, statement(['geneva'], { site: 'geneva' })))).toBe('bad-signature');
    expect(faultOf(evidence(first, statement(['basel'], { by: generateIdentity() })))).toBe('bad-signature');
    expect(faultOf(evidence(first, { ...second, document: 'f'.repeat(64) }))).toBe('bad-signature');
  });

  test('is of nothing but documents of sessions', () => {
    expect(faultOf(evidence(first))).toBe('unreadable');
    expect(faultOf(evidence(first, { ...second, path: '/v1/work' }))).toBe('unreadable');
  });
});

describe('readDocumentStatement()', () => {
  const document = { step: 'consistency' as const, document: { survivors: ['basel'] } };
  test('takes no signature for another document, and none at all for nothing said', () => {
    const said = { site: 'basel', path, document };
    expect(readDocumentStatement(first.signature, said, signingKey)).toBeNull();
    expect(readDocumentStatement(undefined, said, signingKey)).toBeNull();
  });
});
