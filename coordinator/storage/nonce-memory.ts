/** Remembers the nonces of signed requests until their signatures are too old to be accepted, across restarts. */
import type { Database } from './database.ts';

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

export function createNonceMemory({ tables }: Database): NonceMemory {
  let remembered = 0;
  return {
    async remember(signer, nonce, { nowMillis, expiresAtMillis }) {
      if (remembered++ % cleanUpEvery === 0) {
        await tables.deleteFrom('nonces').where('expires_at_millis', '<', nowMillis).execute();
      }
      const { numInsertedOrUpdatedRows } = await tables
        .insertInto('nonces')
        .values({ signer, nonce, expires_at_millis: expiresAtMillis })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirstOrThrow();
      return numInsertedOrUpdatedRows === 1n;
    },
  };
}
