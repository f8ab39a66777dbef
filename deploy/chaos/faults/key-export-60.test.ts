/**
 * Fault 60: exporting a generated key as a JWK can hang a process. No code of ours does it, and keys made by the hundred, of
 * every kind that we make, come and go without a hitch.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { decodeIdentity, encodeIdentity, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { agreementPublicKey, agreeOnSecret, generateAgreementKeys } from '@wardround/shared/crypto/key-agreement.ts';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const WORKSPACES = ['shared', 'protocols', 'coordinator', 'client', 'deploy'];
/** What an export as a JWK, or a key pair of node:crypto that could be exported so, is written with. */
const FORBIDDEN = [
  /format\s*:\s*['"`]jwk['"`]/i,
  /exportKey\s*\(\s*['"`]jwk['"`]/i,
  /\bgenerateKeyPair(Sync)?\s*\(/,
  /\bsubtle\s*\.\s*generateKey\s*\(/,
];

function offences(source: string): string[] {
  return FORBIDDEN.flatMap((pattern) => pattern.exec(source)?.[0] ?? []);
}

describe('keys', () => {
  test('fault 60: are exported as a JWK nowhere', () => {
    const files = WORKSPACES.flatMap((workspace) =>
      globSync(`${workspace}/**/*.{ts,js,mjs}`, { cwd: root, exclude: (name) => name === 'node_modules' }),
    ).filter((file) => !file.includes('node_modules') && !file.endsWith('key-export-60.test.ts'));
    expect(files.length).toBeGreaterThan(500);
    const found = files.flatMap((file) =>
      offences(readFileSync(`${root}/${file}`, 'utf8')).map((what) => [file, what]),
    );
    expect(found).toEqual([]);
    // The rule finds what it is for.
    const written = ["key.export({ format: 'jwk' })", 'generateKeyPairSync("ed25519")', "subtle.exportKey('jwk', key)"];
    for (const source of written) expect(offences(source), source).toHaveLength(1);
  });

  test('fault 60: made and written out by the hundred in a process of its own, it ends by itself', () => {
    const program = `
      import { randomBytes } from 'node:crypto';
      import { decodeIdentity, encodeIdentity, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
      import { agreeOnSecret, generateAgreementKeys } from '@wardround/shared/crypto/key-agreement.ts';
      let last = generateAgreementKeys(randomBytes);
      for (let made = 0; made < 500; made += 1) {
        publicKeys(decodeIdentity(encodeIdentity(generateIdentity())));
        const next = generateAgreementKeys(randomBytes);
        agreeOnSecret(next.secretKey, last.publicKey);
        last = next;
      }
      console.log('done');`;
    const words = ['--input-type=module-typescript', '--eval', program];
    const { stdout, signal } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8', timeout: 50_000 });
    expect([stdout.trim(), signal]).toEqual(['done', null]);
  });

  test('fault 60: keep their bytes through every way in which they are written', () => {
    for (let made = 0; made < 50; made += 1) {
      const identity = generateIdentity();
      expect(decodeIdentity(encodeIdentity(identity))).toEqual(identity);
      expect(publicKeys(decodeIdentity(encodeIdentity(identity)))).toEqual(publicKeys(identity));
      const [ours, theirs] = [generateAgreementKeys(randomBytes), generateAgreementKeys(randomBytes)];
      expect(agreementPublicKey(ours.secretKey)).toEqual(ours.publicKey);
      expect(agreeOnSecret(ours.secretKey, theirs.publicKey)).toEqual(agreeOnSecret(theirs.secretKey, ours.publicKey));
    }
  });
});
