/** Two replicas in one process, so that it is known who does what when. */
import type { StudyState } from '@wardround/protocols/round/state.ts';
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { pino } from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import type { ModelWork } from '../aggregation/model-work.ts';
import { openStudies, type Studies } from '../rounds/studies.ts';
import type { Database } from '../storage/database.ts';
import { createJournal } from '../storage/journal.ts';
import { createLeases, type Lease } from '../storage/leases.ts';
import { describeOnEachDatabase } from '../testing/describe-on-each-database.ts';
import { readiness } from '../testing/test-site.ts';
import { createTinyCoordinator, type TinyCoordinator } from '../testing/tiny-coordinator.ts';
import { leadStudies } from './lead-studies.ts';

const sites = ['basel', 'bern', 'chur', 'geneva'];
const durationMillis = 10_000;
const plan = checkStudyPlan(smallPlan());

describeOnEachDatabase('two replicas', (place) => {
  let tiny: TinyCoordinator;
  const opened: Studies[] = [];
  afterEach(async () => {
    for (const studies of opened.splice(0)) await studies.stop();
    await tiny.close();
  });

  async function begin() {
    tiny = await createTinyCoordinator(sites);
    const database = await place.open();
    const leases = createLeases(database);
    const open = async (changes: Partial<ModelWork> = {}): Promise<Studies> => {
      const journal = createJournal(await place.openBeside(database));
      const parts = { work: { ...tiny.work, ...changes }, clock: tiny.clock, log: pino({ level: 'silent' }) };
      const studies = await openStudies(
        { ...tiny.stores, journal },
        { ...parts, isShared: true, transcripts: { every: 0, afterEndMillis: Infinity }, onWork: () => undefined },
      );
      opened.push(studies);
      return studies;
    };
    return { database, leases, open };
  }

  const acquire = async (database: Database, study: string, holder: string, nowMillis = tiny.clock.now()) =>
    (await createLeases(database).acquire(`study/${study}`, holder, { nowMillis, durationMillis })) as Lease;
  const ready = (site: string) => ({ kind: 'ready', site, ready: readiness }) as const;

  test('take inputs at the same time, and know what the other has acknowledged', async () => {
    const { open, database } = await begin();
    const [a, b] = [await open(), await open()];
    const here = await a.launch(plan);
    const { study } = here.state();
    expect(b.find(study)).toBeUndefined();
    await b.follow();
    const there = b.find(study)!;
    await Promise.all(sites.map((site, index) => (index % 2 === 0 ? here : there).submit(ready(site))));
    await Promise.all([a.follow(), b.follow()]);
    expect(there.state()).toEqual(here.state());
    expect(here.state().phase.kind).toBe('starting-stage');
    // Each was taken once, in one order; nobody prepares as long as nobody leads.
    const events = await createJournal(database).read(study);
    expect(events.flatMap((event) => (event.kind === 'site-ready' ? [event.site] : [])).sort()).toEqual(sites);
    await expect(b.launch(plan)).rejects.toMatchObject({ code: 'study-exists' });
  });

  test('refuse what one has made that does not lead any more', async () => {
    const { open, database } = await begin();
    const prepared = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const slow = await open({
      async prepareStage(request) {
        begun.resolve();
        await prepared.promise;
        return tiny.work.prepareStage(request);
      },
    });
    const here = await slow.launch(plan);
    const { study } = here.state();
    for (const site of sites) await here.submit(ready(site));
    here.lead(await acquire(database, study, 'a'));
    await begun.promise;
    // It stands still for longer than its lease.
    const next = await acquire(database, study, 'b', tiny.clock.now() + durationMillis);
    expect(next.epoch).toBe(2);
    const length = (await createJournal(database).read(study)).length;
    prepared.resolve();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await createJournal(database).read(study)).length).toBe(length);
    expect(here.state().phase.kind).toBe('starting-stage');
    // What sites say to it is taken all the same: it goes on as a follower.
    const other = await open();
    const there = other.find(study)!;
    there.lead(next);
    await vi.waitFor(() => expect(there.state().phase.kind).toBe('training'));
    await here.submit({ kind: 'pause' });
    await other.follow();
    expect(there.state()).toEqual(here.state());
    expect(there.state().paused).toBeDefined();
  });

  test('hand a study over when the leader is gone, and at once when it stops', async () => {
    const { open, leases } = await begin();
    const [a, b] = [await open(), await open()];
    await a.launch(plan);
    await b.follow();
    const isOver = () => false;
    const log = pino({ level: 'silent' });
    const lead = (holder: string, studies: Studies, led: string[]) =>
      leadStudies({
        ...{ leases, holder, clock: tiny.clock, durationMillis, log, isOver, follow: studies.follow },
        runners: () =>
          studies.all().map((runner) => ({
            ...runner,
            lead(lease) {
              led.push(lease === null ? 'lets go' : `leads ${lease.epoch}`);
              runner.lead(lease);
            },
          })),
      });
    const [byA, byB]: [string[], string[]] = [[], []];
    const first = lead('a', a, byA);
    await vi.waitFor(() => expect(byA).toEqual(['leads 1']));
    const second = lead('b', b, byB);
    await second.look();
    expect(byB).toEqual([]);
    await first.close();
    await second.look();
    expect(byA).toEqual(['leads 1', 'lets go']);
    expect(byB).toEqual(['leads 2']);
    // Another takes it while this one cannot be heard; it finds out with its next look.
    const study = a.all()[0]!.state().study;
    const later = { nowMillis: tiny.clock.now() + durationMillis, durationMillis };
    expect((await leases.acquire(`study/${study}`, 'c', later))?.epoch).toBe(3);
    await second.look();
    expect(byB).toEqual(['leads 2', 'lets go']);
    await second.close();
  });

  test('ring an alarm once, whoever leads', async () => {
    const { open, database } = await begin();
    const [a, b] = [await open(), await open()];
    const here = await a.launch(plan);
    const { study } = here.state();
    await b.follow();
    const there = b.find(study)!;
    there.lead(await acquire(database, study, 'b'));
    const deadline = (state: StudyState) => ('deadlineMillis' in state.phase ? state.phase.deadlineMillis : 0);
    await vi.waitFor(() => expect(tiny.clock.nextAlarm()).not.toBeNull());
    tiny.clock.moveTo(deadline(there.state()) + 1);
    await vi.waitFor(() => expect(there.state().phase.kind).toBe('failed'));
    await a.follow();
    expect(here.state()).toEqual(there.state());
    const events = await createJournal(database).read(study);
    expect(events.filter(({ kind }) => kind === 'study-failed')).toHaveLength(1);
  });
});
