import { encodeIdentity, fingerprint, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { defineCommand } from 'citty';
import { print, printNote } from '../print.ts';

export const identity = defineCommand({
  meta: {
    name: 'identity',
    description:
      'Print new secret keys for replicas to share (start --identity); the fingerprint goes to standard error',
  },
  args: {},
  run() {
    const made = generateIdentity();
    print(encodeIdentity(made).trimEnd());
    printNote(`Fingerprint ${fingerprint(publicKeys(made))}`);
  },
});
