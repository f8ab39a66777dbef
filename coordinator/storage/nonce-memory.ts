/** Remembers the nonces of signed requests until their signatures are too old to be accepted, across restarts. */
import type { DatabaseSync } from 'node:sqlite';

export interface NonceMemory {
  /** False when this signer has used the nonce before: the request is a replay. Durable when it returns. */
  remember(
    signer: string,
    nonce: string,
    time: { readonly nowMillis: number; readonly expiresAtMillis: number },
  ): Promise<boolean>;
}

/** How many remembered requests between two clean-ups. */
const cleanUpEvery = 256;

export function createNonceMemory(database: DatabaseSync): NonceMemory {
  const insert = database.prepare(
    'INSERT INTO nonces (signer, nonce, expires_at_millis) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const forget = database.prepare('DELETE FROM nonces WHERE expires_at_millis < ?');
  let remembered = 0;
  return {
    async remember(signer, nonce, { nowMillis, expiresAtMillis }) {
      if (remembered++ % cleanUpEvery === 0) forget.run(nowMillis);
      return Number(insert.run(signer, nonce, expiresAtMillis).changes) === 1;
    },
  };
}
