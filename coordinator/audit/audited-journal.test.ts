import { StudyEvent } from '@wardround/protocols/round/events.ts';
import vector from '@wardround/protocols/round/test-vectors/journal.json' with { type: 'json' };
import { expect, test } from 'vitest';
import { z } from 'zod';
import { DatabaseUnavailableError } from '../storage/database-errors.ts';
import { createJournal, type Journal } from '../storage/journal.ts';
import { describeOnEachDatabase } from '../testing/describe-on-each-database.ts';
import type { AuditLog } from './audit-log.ts';
import { createAuditedJournal } from './audited-journal.ts';

const events = z.array(StudyEvent).parse(vector.events);
const study = 'a'.repeat(64);

describeOnEachDatabase('createAuditedJournal()', (place) => {
  test('logs every event once and in order, also those whose append seemed to fail', async () => {
    const journal = createJournal(await place.open());
    let loses: 'nothing' | 'question' | 'answer' = 'nothing';
    const losing: Journal = {
      ...journal,
      async append(...parameters) {
        if (loses === 'question') throw new DatabaseUnavailableError('lost');
        await journal.append(...parameters);
        if (loses === 'answer') throw new DatabaseUnavailableError('lost');
      },
    };
    const logged: number[] = [];
    const log: Pick<AuditLog, 'append' | 'checkpoint'> = {
      append: async (entries) =>
        void logged.push(...entries.map((entry) => ('position' in entry ? entry.position : -1))),
      checkpoint: async () => undefined,
    };
    const onTrouble = (error: unknown) => expect.unreachable(String(error));
    const audited = createAuditedJournal(losing, { log: log as AuditLog, onTrouble });
    const append = (from: number, to: number) => audited.append(study, events.slice(from, to), { position: from });

    await append(0, 2);
    loses = 'question';
    await expect(append(2, 3)).rejects.toThrow(DatabaseUnavailableError);
    loses = 'nothing';
    await append(2, 4);
    loses = 'answer';
    await expect(append(4, 5)).rejects.toThrow(DatabaseUnavailableError);
    await expect(append(5, 7)).rejects.toThrow(DatabaseUnavailableError);
    expect(logged).toEqual([0, 1, 2, 3]);
    loses = 'nothing';
    await append(7, 9);
    expect(logged).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });
});
