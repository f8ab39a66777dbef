/**
 * Lets a thousand parties be played in one process: what all of them compute from the same messages, and what two of them
 * agree on, is computed once. No byte of a session changes by it, as each result depends on its arguments alone.
 *
 * It replaces modules as they are loaded, so it comes before whatever loads them; what is measured never runs in a process
 * in which this was done.
 */
import { registerHooks } from 'node:module';

/** For each module: by which function of remembered-crypto.ts it is wrapped, and which of its functions that is for. */
const REMEMBERED: Readonly<Record<string, readonly [wrapper: string, ...functions: string[]]>> = {
  'shared/crypto/ed25519.ts': ['rememberSignatures'],
  'shared/crypto/key-agreement.ts': ['rememberAgreements'],
  'protocols/secure-aggregation/advertised-keys.ts': ['rememberByIdentity', 'readAdvertisements'],
  'protocols/secure-aggregation/consistent-views.ts': ['rememberByIdentity', 'countViews'],
  'protocols/secure-aggregation/signed-message.ts': ['rememberByIdentity', 'messageFault', 'linkTo'],
  'protocols/secure-aggregation/graph.ts': ['rememberByIdentity', 'neighbours'],
};
/** What else the wrapped modules export and `export *` does not replace: all that the wrapper returns. */
const REPLACED: Readonly<Record<string, readonly string[]>> = {
  rememberSignatures: ['signMessage', 'verifyMessage'],
  rememberAgreements: ['agreementPublicKey', 'deriveKey', 'createAgreement'],
};
const WRAPPERS = '@wardround/protocols/secure-aggregation/remembered-crypto.ts';

export function rememberCrypto(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      return nameOf(resolved.url) === undefined ? resolved : { ...resolved, url: `${resolved.url}?remembered` };
    },
    load(url, context, next) {
      if (!url.endsWith('?remembered')) return next(url, context);
      const real = url.slice(0, url.indexOf('?'));
      return { format: 'module', source: wrapped(real), shortCircuit: true };
    },
  });
}

function nameOf(url: string): string | undefined {
  return Object.keys(REMEMBERED).find((name) => url.endsWith(`/${name}`));
}

function wrapped(real: string): string {
  const [wrapper, ...functions] = REMEMBERED[nameOf(real)!]!;
  const remembered = functions.reduce((module, name) => `wrap(${module}, '${name}')`, 'real');
  return [
    `import { ${wrapper} as wrap } from '${WRAPPERS}';`,
    `import * as real from '${real}?real';`,
    `export * from '${real}?real';`,
    `const remembered = ${functions.length === 0 ? 'wrap(real)' : remembered};`,
    `export const { ${(REPLACED[wrapper] ?? functions).join(', ')} } = remembered;`,
  ].join('\n');
}
