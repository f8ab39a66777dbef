import { expect, test } from 'vitest';
import { describeOnEachDatabase } from '../testing/describe-on-each-database.ts';
import type { Database } from './database.ts';
import { createSequenceWindows } from './sequence-windows.ts';

describeOnEachDatabase('createSequenceWindows()', (place) => {
  test('takes each number of a signer once, also after opening again', async () => {
    const windows = createSequenceWindows(await place.open());
    expect(await windows.use('k1', 7)).toBe('new');
    expect(await windows.use('k2', 7)).toBe('new');
    const again = createSequenceWindows(await place.open());
    expect(await again.use('k1', 7)).toBe('repeated');
    expect(await again.use('k1', 7 + 1024)).toBe('new');
    expect(await windows.use('k1', 7)).toBe('too-old');
    expect(await windows.use('k1', 8)).toBe('new');
    expect(await again.least('k1')).toBe(7 + 1024 + 1);
    expect(await again.least('k3')).toBe(1024);
    await windows.forget('k1');
    expect(await again.use('k1', 7)).toBe('new');
  });

  test('takes a number once of many that come at the same time', async () => {
    const database = await place.open();
    const windows = [createSequenceWindows(database), createSequenceWindows(await place.openBeside(database))];
    const requests = [0, 1, 2, 3].flatMap((sequence) => windows.map((own) => own.use('k', sequence)));
    const verdicts = await Promise.all(requests);
    expect(verdicts.filter((verdict) => verdict === 'new')).toHaveLength(4);
    expect(verdicts.filter((verdict) => verdict === 'repeated')).toHaveLength(4);
  });

  test('marks numbers that come together at once, each with its own verdict', async () => {
    await using database = await place.open();
    let transactions = 0;
    const counted = { ...database, transaction: (write) => ++transactions && database.transaction(write) } as Database;
    const windows = createSequenceWindows(counted);
    const uses = [windows.use('a', 1), windows.use('b', 1), windows.use('a', 2), windows.use('a', 1)];
    await expect(windows.use('a', 0.5)).rejects.toThrow(RangeError);
    expect(await Promise.all(uses)).toEqual(['new', 'new', 'new', 'repeated']);
    expect(transactions).toBe(1);
  });
});
