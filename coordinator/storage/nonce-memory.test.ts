import { expect, test } from 'vitest';
import { describeOnEachDatabase } from '../testing/describe-on-each-database.ts';
import { createNonceMemory } from './nonce-memory.ts';

describeOnEachDatabase('createNonceMemory()', (place) => {
  test('takes each nonce of a signer once, also after opening again, until it has expired', async () => {
    const database = await place.open();
    const time = { nowMillis: 0, expiresAtMillis: 1000 };
    expect(await createNonceMemory(database).remember('basel', 'n1', time)).toBe(true);
    expect(await createNonceMemory(database).remember('geneva', 'n1', time)).toBe(true);
    expect(await createNonceMemory(await place.open()).remember('basel', 'n1', time)).toBe(false);
    await createNonceMemory(database).remember('basel', 'n2', { nowMillis: 1001, expiresAtMillis: 2000 });
    const left = await database.tables.selectFrom('nonces').select('nonce').execute();
    expect(left).toEqual([{ nonce: 'n2' }]);
  });

  test('takes a nonce once of many that come at the same time', async () => {
    const database = await place.open();
    const memories = [createNonceMemory(database), createNonceMemory(await place.openBeside(database))];
    const time = { nowMillis: 0, expiresAtMillis: 1000 };
    const taken = await Promise.all([0, 1, 0, 1].map((index) => memories[index]!.remember('basel', 'n', time)));
    expect(taken.filter(Boolean)).toHaveLength(1);
  });
});
