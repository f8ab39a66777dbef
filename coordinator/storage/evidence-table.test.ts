import { expect, test } from 'vitest';
import { describeOnEachDatabase } from '../testing/describe-on-each-database.ts';
import { createEvidenceTable } from './evidence-table.ts';

const study = 'a'.repeat(64);

describeOnEachDatabase('createEvidenceTable()', (place) => {
  test('keeps what was recorded, once, with its first time', async () => {
    const table = createEvidenceTable(await place.open());
    const document = { first: 'signed “a”', second: ['b', 2, null] };
    const evidence = { kind: 'equivocation', site: 'basel', study, recordedAtMillis: 5, document };
    const id = await table.record(evidence);
    expect(await table.record({ ...evidence, recordedAtMillis: 6 })).toBe(id);
    expect(await createEvidenceTable(await place.open()).find(id)).toEqual({ id, ...evidence });
    expect(await table.find('b'.repeat(64))).toBeNull();
    expect(await table.list()).toHaveLength(1);
  });

  test('lists what is about a site or a study, in order', async () => {
    const table = createEvidenceTable(await place.open());
    const record = (site: string, of: string | null, recordedAtMillis: number) =>
      table.record({ kind: 'share-invalid', site, study: of, recordedAtMillis, document: recordedAtMillis });
    const third = await record('basel', study, 3);
    const first = await record('geneva', study, 1);
    const second = await record('basel', null, 2);
    const ids = async (...about: Parameters<typeof table.list>) => (await table.list(...about)).map(({ id }) => id);
    expect(await ids()).toEqual([first, second, third]);
    expect(await ids({ site: 'basel' })).toEqual([second, third]);
    expect(await ids({ study })).toEqual([first, third]);
    expect(await ids({ site: 'geneva', study })).toEqual([first]);
  });
});
