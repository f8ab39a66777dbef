/**
 * For tests that play many sites or many continuations of one session in one process: computes each signature, check of a
 * signature, agreement and derived key once. All depend on their arguments alone, so this changes no byte; it only keeps a
 * thousand sites from checking the same signature a thousand times. Give it to `vi.mock` as the factory's wrapper.
 */
import { sha256 } from '@wardround/shared/bytes/hash.ts';
import type * as signatures from '@wardround/shared/crypto/ed25519.ts';
import type * as agreement from '@wardround/shared/crypto/key-agreement.ts';

export function rememberSignatures(real: typeof signatures): typeof signatures {
  return {
    signMessage: remembered(real.signMessage, (message, seed) => text(message) + text(seed)),
    verifyMessage: remembered(
      real.verifyMessage,
      (message, { signature, publicKey }) => text(message) + text(signature) + text(publicKey),
    ),
  };
}

export function rememberAgreements(real: typeof agreement): typeof agreement {
  const publicKey = remembered(real.agreementPublicKey, text);
  const secrets = new Map<string, Uint8Array>();
  return {
    ...real,
    agreementPublicKey: publicKey,
    deriveKey: remembered(real.deriveKey, (secret, { salt, info }) => text(secret) + text(salt) + String(info)),
    createAgreement(secretKey) {
      const ours = text(publicKey(secretKey));
      let agree: ((theirs: Uint8Array) => Uint8Array) | null = null;
      return (theirs) => {
        // Both sites come to the same secret, whichever asks first.
        const pair = [ours, text(theirs)].sort().join('');
        let secret = secrets.get(pair);
        if (secret === undefined) {
          agree ??= real.createAgreement(secretKey);
          secret = agree(theirs);
          secrets.set(pair, secret);
        }
        return secret;
      };
    },
  };
}

/**
 * Agreement as it ideally is: what two pairs of keys come to is a hash of both public keys. For sessions of so many pairs
 * that curve arithmetic would take up the time; every other part stays real.
 */
export function idealiseAgreements(real: typeof agreement): typeof agreement {
  const publicKey = remembered(real.agreementPublicKey, text);
  return {
    ...real,
    createAgreement(secretKey) {
      const ours = text(publicKey(secretKey));
      return (theirs) => sha256(Buffer.from([ours, text(theirs)].sort().join(''), 'latin1'));
    },
  };
}

function remembered<Arguments extends unknown[], Result>(
  compute: (...given: Arguments) => Result,
  nameOf: (...given: Arguments) => string,
): (...given: Arguments) => Result {
  const known = new Map<string, { result: Result }>();
  return (...given) => {
    const name = nameOf(...given);
    const entry = known.get(name) ?? { result: compute(...given) };
    known.set(name, entry);
    return entry.result;
  };
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** A module in which one function answers at once when its first argument is the very same object as before. */
export function rememberByIdentity<Module>(real: Module, name: keyof Module): Module {
  const compute = real[name] as (first: object, ...rest: unknown[]) => unknown;
  const known = new WeakMap<object, unknown>();
  return {
    ...real,
    [name]: (first: object, ...rest: unknown[]) => {
      if (!known.has(first)) known.set(first, compute(first, ...rest));
      return known.get(first);
    },
  };
}
