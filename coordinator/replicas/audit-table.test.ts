import type { LogEntry } from '@wardround/protocols/audit/log-record.ts';
import { parseNote } from '@wardround/protocols/audit/signed-note.ts';
import { verifyLog } from '@wardround/protocols/audit/verify-log.ts';
import { fingerprint, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { expect, test } from 'vitest';
import { AuditLogDamagedError, followAuditLog } from '../audit/audit-log.ts';
import { AuditConflictError } from '../audit/audit-store.ts';
import { describeOnEachDatabase } from '../testing/describe-on-each-database.ts';
import { createAuditTable } from './audit-table.ts';

const identity = generateIdentity();
const keys = publicKeys(identity);
const log = { fingerprint: fingerprint(keys), signingKey: keys.signingKey };
const study = 'a'.repeat(64);
const event = (position: number): LogEntry => ({ kind: 'study-event', study, position, event: 'b'.repeat(64) });

describeOnEachDatabase('an audit log of replicas', (place) => {
  test('is one log with one checkpoint of a size, whoever writes and signs at the same time', async () => {
    const database = await place.open();
    const tables = [createAuditTable(database), createAuditTable(await place.openBeside(database))];
    const [a, b] = await Promise.all(tables.map((table) => followAuditLog(table, { identity, now: () => 7 })));
    const upTo = (count: number) => async (logged: (study: string) => number) =>
      Array.from({ length: count }, (_, position) => event(position)).slice(logged(study));
    for (let count = 1; count <= 6; count++) {
      await Promise.all([a!.appendMissing(upTo(count)), b!.appendMissing(upTo(count)), b!.append([event(0)])]);
      await Promise.all([a!.checkpoint(), b!.checkpoint()]);
    }
    const table = createAuditTable(database);
    expect(await table.checkpoints.sizes()).toEqual([1, 2, 3, 4, 5, 6]);
    const finding = verifyLog(await table.read(0), { log, checkpoints: await table.checkpoints.notes() });
    expect(finding).toMatchObject({ ok: true, checkpoints: 6 });
    expect(finding.ok && finding.records.map((record) => 'position' in record && record.position)).toEqual([
      0, 1, 2, 3, 4, 5,
    ]);
    expect(await a!.answer(2)).toEqual(await b!.answer(2));
    expect((await a!.answer(2)).consistency).not.toEqual([]);
  });

  test('takes no line but behind the one that its writer has seen, and keeps the first checkpoint of a size', async () => {
    const table = createAuditTable(await place.open());
    await table.append(['first', 'second'], { position: 0, before: null });
    for (const [position, before] of [
      [0, null],
      [1, 'first'],
      [2, 'another'],
      [3, 'second'],
    ] as const) {
      await expect(table.append(['x'], { position, before })).rejects.toThrow(AuditConflictError);
    }
    await table.append(['third'], { position: 2, before: 'second' });
    expect(await table.read(1)).toEqual(['second', 'third']);
    expect(await table.checkpoints.add(3, 'one\n')).toBe('one\n');
    expect(await table.checkpoints.add(3, 'two\n')).toBe('one\n');
    expect(await table.checkpoints.sign(3, 'by basel')).toBe('one\nby basel\n');
    expect(await table.checkpoints.sign(3, 'by basel')).toBe('one\nby basel\n');
  });

  test('is not followed into a line that does not follow', async () => {
    const database = await place.open();
    const table = createAuditTable(database);
    const audit = await followAuditLog(table, { identity, now: () => 7 });
    await audit.append([event(0)]);
    await audit.checkpoint();
    const [line] = await table.read(0);
    await table.append([line!], { position: 1, before: line! });
    await expect(audit.append([event(1)])).rejects.toThrow(AuditLogDamagedError);
    expect(parseNote((await table.checkpoints.notes())[0]!).signatures).toHaveLength(1);
    await expect(followAuditLog(table, { identity, now: () => 7 })).rejects.toThrow('Restore the database');
  });
});
