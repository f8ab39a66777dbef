import { describe, expect, test } from 'vitest';
import { shareTurns } from './share-turns.ts';

describe('shareTurns()', () => {
  test('runs once more for all who asked while it ran, also after a failure', async () => {
    const begun: PromiseWithResolvers<void>[] = [];
    const ask = shareTurns(() => {
      const run = Promise.withResolvers<void>();
      begun.push(run);
      return run.promise;
    });
    const first = ask();
    const others = [ask(), ask(), ask()];
    expect(begun).toHaveLength(1);
    begun[0]?.reject(new Error('the database is away'));
    await expect(first).rejects.toThrow('the database is away');
    await Promise.resolve().then(() => undefined);
    await new Promise(setImmediate);
    expect(begun).toHaveLength(2);
    begun[1]?.resolve();
    await Promise.all(others);
    void ask();
    expect(begun).toHaveLength(3);
    begun[2]?.resolve();
  });
});
