/**
 * Fault 59: the coordinator is upgraded in the middle of a round, and a site speaks another version than the coordinator.
 * Journals that earlier releases wrote go on where they were, also where they lack what is optional today; a message that a
 * version does not understand is refused by a code, and the others' round goes on.
 */
import { readFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { DatabaseVersionError } from '@wardround/coordinator/storage/database-errors.ts';
import { createJournal } from '@wardround/coordinator/storage/journal.ts';
import { openDatabase } from '@wardround/coordinator/storage/open-database.ts';
import { stateFolder } from '@wardround/coordinator/storage/state-folder.ts';
import { readiness } from '@wardround/coordinator/testing/test-site.ts';
import { applyEvent } from '@wardround/protocols/round/apply-event.ts';
import { StudyEvent } from '@wardround/protocols/round/events.ts';
import { decide, nextDeadline, onTime } from '@wardround/protocols/round/machine.ts';
import { isOver, type StudyState } from '@wardround/protocols/round/state.ts';
import interrupted from '@wardround/protocols/round/test-vectors/interrupted-journals.json' with { type: 'json' };
import first from '@wardround/protocols/round/test-vectors/journal.json' with { type: 'json' };
import sessions from '@wardround/protocols/round/test-vectors/session-journals.json' with { type: 'json' };
import { beforeAll, describe, expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import type { Consortium } from '../consortium/start-consortium.ts';
import { modelsOf } from '../oracles/promises.ts';
import { faultFreeModels } from './fault-free-models.ts';
import { outcomesOf, siteNames, startAll, throughFault, untilState } from './through-fault.ts';

/** As earlier releases wrote them. */
const RECORDED = [first, ...sessions.journals, ...interrupted.journals].map(({ events }, index) => ({
  name: String(index),
  events: events.map((event) => StudyEvent.parse(event)),
}));

describe('a journal of an earlier release', () => {
  test.each(RECORDED)('fault 59: $name goes on from every event to an end, by its deadlines alone', ({ events }) => {
    let state: StudyState | null = null;
    for (const [index, event] of events.entries()) {
      state = applyEvent(state, event);
      // The end of an attempt or a round was written in one transaction with what followed it.
      if (event.kind === 'session-aborted' || event.kind === 'round-failed') continue;
      let going: StudyState = decide(state, { kind: 'restarted' }, event.atMillis).events.reduce<StudyState>(
        applyEvent,
        state,
      );
      for (let alarms = 0; !isOver(going) && alarms < 200; alarms += 1) {
        const at = nextDeadline(going);
        // What has no deadline waits for the coordinator's own work, which is given up where it cannot be done.
        const due =
          at === null
            ? decide(going, { kind: 'give-up', reason: 'aggregation-failed' }, event.atMillis).events
            : onTime(going, at);
        going = due.reduce<StudyState>(applyEvent, going);
        if (going.paused !== undefined)
          going = decide(going, { kind: 'resume' }, event.atMillis).events.reduce<StudyState>(applyEvent, going);
      }
      expect(isOver(going), `after event ${index}, ${event.kind}`).toBe(true);
    }
  });
});

const plan = chaosPlan({ name: 'upgrade', rounds: 2, quorum: 3 });
const everybody = siteNames(4);

describe('versions', () => {
  let unharmed: readonly string[];
  beforeAll(async () => {
    unharmed = await faultFreeModels(plan, { sites: 3 });
  });

  test('fault 59: a coordinator that is stopped and upgraded in the middle of a round ends it with the same weights', {
    timeout: 90_000,
  }, async () => {
    const make = async (consortium: Consortium, study: string) => {
      startAll(consortium);
      await untilState(consortium, study, (round) => round?.session?.steps['share-keys'] !== undefined);
      await consortium.coordinator().stop();
      const file = stateFolder(consortium.coordinatorFolder).database;
      await using database = await openDatabase({ kind: 'sqlite', file });
      // The journal is all that the new version has of the study.
      expect((await createJournal(database).read(study)).length).toBeGreaterThan(4);
      await database.close();
      await consortium.startCoordinator({ where: 'here' });
    };
    const state = await throughFault({ sites: 3, idleTimeoutMillis: 4000 }, { plan, make });
    expect(state.phase).toEqual({ kind: 'finished' });
    expect(modelsOf(state)).toEqual(unharmed);
  });

  test('fault 59: an older coordinator does not touch what a newer one has written, and says which version is needed', {
    timeout: 60_000,
  }, async () => {
    const make = async (consortium: Consortium, study: string) => {
      startAll(consortium);
      await untilState(consortium, study, (round) => round?.session !== undefined);
      await consortium.coordinator().stop();
      const { database: file } = stateFolder(consortium.coordinatorFolder);
      const version = (change: number): void => {
        const database = new DatabaseSync(file);
        const now = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
        database.exec(`PRAGMA user_version = ${now + change}`);
        database.close();
      };
      version(+1);
      const started = consortium.startCoordinator({ where: 'here' });
      await expect(started).rejects.toThrow(DatabaseVersionError);
      await expect(started).rejects.toThrow(/Use the version of Wardround that wrote it, or a newer one/);
      version(-1);
      await consortium.startCoordinator({ where: 'here' });
    };
    const state = await throughFault({ sites: 3, idleTimeoutMillis: 4000 }, { plan, make });
    expect(state.phase).toEqual({ kind: 'finished' });
    expect(modelsOf(state)).toEqual(unharmed);
  });

  test('fault 59: a site of a newer version is refused by a code where it says what is not known yet, and the others finish', {
    timeout: 90_000,
  }, async () => {
    const skewed = chaosPlan({ name: 'skew', rounds: 2, quorum: 3, roundDeadlineSeconds: 20 });
    const make = async (consortium: Consortium, study: string) => {
      const newer = consortium.sites.at(-1)!;
      const { joined } = newer;
      const unknown = await joined.post(`/v1/studies/${study}/ready`, { ...readiness, accelerators: ['next-year'] });
      expect([unknown.status, unknown.body.code]).toEqual([422, 'malformed-message']);
      // What a version before did not say yet is not asked for.
      const { engine, inventory, quarantine } = readiness;
      expect((await joined.post(`/v1/studies/${study}/ready`, { engine, inventory, quarantine })).status).toBe(200);
      for (const site of consortium.sites.slice(0, -1)) site.start({ where: 'here' });
      await untilState(consortium, study, (round) => round !== undefined);
      const round = `/v1/studies/${study}/stages/slices/rounds/1`;
      const body = { message: { header: { phase: 'advertise-2' } }, figures: null, blob: null };
      const said = await joined.post(`${round}/attempts/1/advertise`, body);
      expect([said.status, said.body.code]).toEqual([422, 'malformed-message']);
      // It cannot take part and says so.
      expect((await joined.post(`${round}/decline`, { reason: 'session-failed' })).status).toBe(200);
      await untilState(consortium, study, (last) => last?.round === 2);
      await joined.post(`/v1/studies/${study}/stages/slices/rounds/2/decline`, { reason: 'session-failed' });
    };
    const look = async ({ coordinatorLog }: Consortium) =>
      expect(await readFile(coordinatorLog, 'utf8')).not.toContain('unexpected');
    const state = await throughFault({ sites: 4 }, { plan: skewed, make, look });
    expect(state.phase).toEqual({ kind: 'finished' });
    expect(outcomesOf(state)).toEqual([everybody.slice(0, -1), everybody.slice(0, -1)]);
  });
});
