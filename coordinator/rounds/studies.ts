/** All studies of this coordinator: taken up from their journals at the start, launched, and asked for work. */
import { chooseWork } from '@wardround/protocols/round/choose-work.ts';
import { cohortRules } from '@wardround/protocols/round/cohorts.ts';
import type { StudyEvent } from '@wardround/protocols/round/events.ts';
import { launchStudy } from '@wardround/protocols/round/launch.ts';
import { isOver, type StudyState } from '@wardround/protocols/round/state.ts';
import { workFor } from '@wardround/protocols/round/work-for.ts';
import { FEWEST_SITES } from '@wardround/protocols/secure-aggregation/parameters.ts';
import type { Work } from '@wardround/protocols/session/messages.ts';
import { codeBitsOf, planHash, StudyPlan } from '@wardround/protocols/study/plan.ts';
import { updateScale } from '@wardround/protocols/study/stage-layout.ts';
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { Logger } from 'pino';
import { LARGEST_SUM, type ModelWork } from '../aggregation/model-work.ts';
import { RefusalError } from '../refusal-error.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import { type Journal, JournalConflictError } from '../storage/journal.ts';
import type { SiteTable } from '../storage/site-table.ts';
import type { UploadStore } from '../storage/upload-store.ts';
import type { Clock } from './clock.ts';
import { createInTurn } from './in-turn.ts';
import type { TranscriptRules } from './kept-transcripts.ts';
import { type NeededBlobs, neededBlobs } from './needed-blobs.ts';
import type { SessionParts } from './session/session-party.ts';
import { shareTurns } from './share-turns.ts';
import { createStudyRunner, type StudyRunner } from './study-runner.ts';

export interface Studies {
  /** In the order of their launch. */
  all(): readonly StudyRunner[];
  find(study: Sha256Hex): StudyRunner | undefined;
  /** @throws {RefusalError} */
  launch(plan: StudyPlan): Promise<StudyRunner>;
  /** Invites a site that was admitted to every study that still runs. */
  invite(site: string): Promise<void>;
  /**
   * What the site should do next over all studies, each in its turn (choose-work.ts); null for nothing.
   *
   * @param isHeldUp whether the site waits for somebody's approval of that study.
   */
  workFor(site: string, isHeldUp?: (study: Sha256Hex) => boolean): Work | null;
  /** The paused studies that the site takes part in: what it has in hand for them may be finished. */
  pausedFor(site: string): readonly Sha256Hex[];
  neededBlobs(): NeededBlobs;
  /** Removes the transcripts of studies that ended long enough ago (kept-transcripts.ts). */
  removeEndedTranscripts(): Promise<void>;
  /** Takes up what other replicas have launched and appended; resolves with all that was there when it was called. */
  follow(): Promise<void>;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

export interface StudyStores {
  readonly journal: Journal;
  readonly sites: SiteTable;
  readonly published: BlobStore;
  readonly optimiserStates: BlobStore;
  readonly uploads: UploadStore;
  readonly sessions: SessionParts;
}

/**
 * Takes up all studies where they were.
 *
 * @throws {JournalDamagedError} when a journal is not what was written: nothing is built on it.
 */
export async function openStudies(
  stores: StudyStores,
  options: {
    readonly work: ModelWork;
    readonly clock: Clock;
    readonly log: Logger;
    /** Of which rounds members can replay the session (kept-transcripts.ts). */
    readonly transcripts: TranscriptRules;
    /** Whether other replicas run the studies too (study-runner.ts). What nobody needs any more is for replicas/sweep-blobs.ts then. */
    readonly isShared?: boolean;
    /** Called with the sites whose work has changed. */
    readonly onWork: (sites: readonly string[]) => void;
  },
): Promise<Studies> {
  const { journal, sites, published, optimiserStates, uploads, sessions } = stores;
  const { work, clock, log, onWork, transcripts, isShared = false } = options;
  const runners = new Map<Sha256Hex, StudyRunner>();
  const launching = createInTurn();
  const retiring = createInTurn();

  const neededBy = (states: Iterable<StudyState>): NeededBlobs =>
    neededBlobs(states, { ...transcripts, nowMillis: clock.now() });
  const needed = (): NeededBlobs => neededBy([...runners.values()].map((runner) => runner.state()));

  const noteTrouble = (error: unknown): void =>
    log.error({ problem: error instanceof Error ? error.name : 'unknown' }, 'old blobs could not be removed');

  const onChange = (before: StudyState, after: StudyState): void => {
    const changed = Object.keys(after.sites).filter(
      (site) => canonicalJson(workFor(before, site)) !== canonicalJson(workFor(after, site)),
    );
    if (changed.length > 0) onWork(changed);
    if (isShared) return;
    retiring(() => retire(neededBy([before]), needed())).catch(noteTrouble);
  };

  const retire = async (before: NeededBlobs, now: NeededBlobs): Promise<void> => {
    for (const hash of before.published) if (!now.published.has(hash)) await published.remove(hash);
    for (const hash of before.sessionMessages) if (!now.sessionMessages.has(hash)) await sessions.messages.remove(hash);
    for (const hash of before.optimiserStates) if (!now.optimiserStates.has(hash)) await optimiserStates.remove(hash);
    const spent = [...before.uploads].filter((hash) => !now.uploads.has(hash));
    for (const { site } of spent.length === 0 ? [] : await sites.sites()) {
      const folder = await uploads.of(site);
      for (const hash of spent) await folder.remove(hash);
    }
    // What came too late to be offered is of no use once no round can take it.
    if ([...runners.values()].every((runner) => isOver(runner.state()))) await uploads.sweep(now.uploads);
  };

  const isRemoved = new Set<Sha256Hex>();
  const removeEndedTranscripts = async (): Promise<void> => {
    const nowMillis = clock.now();
    for (const state of [...runners.values()].map((runner) => runner.state())) {
      const { study, endedAtMillis } = state;
      if (endedAtMillis === null || nowMillis < endedAtMillis + transcripts.afterEndMillis) continue;
      if (isRemoved.has(study)) continue;
      await retire(neededBlobs([state], { ...transcripts, afterEndMillis: Infinity, nowMillis }), needed());
      isRemoved.add(study);
    }
  };

  /** What was made for a study that has no use for it belongs to nothing. */
  const onMade = (blobs: readonly Sha256Hex[]): void => {
    retiring(async () => {
      const { published: models, optimiserStates: memories } = needed();
      for (const hash of blobs) {
        if (!models.has(hash)) await published.remove(hash);
        if (!memories.has(hash)) await optimiserStates.remove(hash);
      }
    }).catch(noteTrouble);
  };

  const run = (plan: StudyPlan, events: readonly StudyEvent[]): StudyRunner => {
    const parts = { journal, work, sessions, clock, log, onChange, isShared, ...(!isShared && { onMade }) };
    const runner = createStudyRunner({ plan, events }, parts);
    runners.set(runner.state().study, runner);
    return runner;
  };

  const admitted = async (): Promise<string[]> =>
    (await sites.sites()).filter(({ status }) => status === 'admitted').map(({ site }) => site);

  const invite = async (site: string): Promise<void> => {
    for (const runner of runners.values()) {
      const { sites: invited } = runner.state();
      // One more site must still fit into the sum's 32 bits.
      if (invited[site] === undefined && scaleFits(runner.plan, Object.keys(invited).length + 1)) {
        await runner.submit({ kind: 'invite', site });
      }
    }
  };

  const takeUp = async (study: Sha256Hex): Promise<StudyRunner> => {
    const events = await journal.read(study);
    const launched = events[0];
    if (launched?.kind !== 'study-launched') throw new RangeError('Cannot run a study that was not launched');
    const plan = StudyPlan.parse(JSON.parse(Buffer.from(await published.read(launched.planBlob)).toString()));
    if (planHash(plan) !== study)
      throw new RangeError('Cannot run a study whose plan is not the one that was launched');
    return runners.get(study) ?? run(plan, events);
  };

  const catchUp = async (): Promise<void> => {
    const lengths = await journal.lengths();
    const isNew = [...lengths.keys()].some((study) => !runners.has(study));
    for (const study of isNew ? await journal.studies() : []) {
      if (!runners.has(study)) onWork(Object.keys((await takeUp(study)).state().sites));
    }
    for (const [study, length] of lengths) {
      const runner = runners.get(study);
      if (runner !== undefined && runner.position() < length) await runner.follow();
    }
  };
  const follow = isShared ? shareTurns(catchUp) : async () => undefined;

  for (const study of await journal.studies()) await takeUp(study);
  if (!isShared) {
    await sweep(stores, { states: [...runners.values()].map((runner) => runner.state()), needed: needed() });
    for (const runner of runners.values()) {
      await runner.submit({ kind: 'restarted' });
      runner.start();
    }
  }
  // Sites whose admission was the last thing before the coordinator stopped.
  for (const site of await admitted()) await invite(site);

  return {
    all: () => [...runners.values()],
    find: (study) => runners.get(study),
    neededBlobs: needed,
    removeEndedTranscripts: () => (isShared ? Promise.resolve() : retiring(removeEndedTranscripts)),
    follow,
    invite,
    launch: (plan) =>
      launching(async () => {
        const study = planHash(plan);
        await follow();
        if (runners.has(study)) throw studyExists();
        const invited = await admitted();
        if (invited.length < plan.participation.quorum) {
          throw new RefusalError('too-few-sites', {
            status: 409,
            message:
              `The plan's quorum is ${plan.participation.quorum} and ${invited.length} sites are admitted. ` +
              'Invite and admit more sites, or lower participation.quorum.',
          });
        }
        requireSecureAggregation(plan, invited.length);
        requireCohorts(plan, invited.length);
        if (!scaleFits(plan, invited.length)) {
          throw new RefusalError('updates-do-not-fit', {
            status: 422,
            message:
              `The updates of ${invited.length} sites cannot be added in ${codeBitsOf(plan)} bits. ` +
              'Lower protection.maximumSampleCount or protection.clip.',
          });
        }
        const planBlob = await published.put(Buffer.from(canonicalJson(plan)));
        // There are events when it was launched before and the answer was lost.
        let events: readonly StudyEvent[] = await journal.read(study);
        if (events.length === 0) {
          events = [launchStudy(plan, { planBlob, sites: invited, nowMillis: clock.now() })];
          await journal.append(study, events, { position: 0 }).catch((error: unknown) => {
            throw error instanceof JournalConflictError ? studyExists() : error;
          });
        }
        // Another replica may have taken it up from the journal meanwhile.
        const runner = runners.get(study) ?? run(plan, events);
        runner.start();
        log.info({ study: study.slice(0, 12), name: plan.name, sites: invited }, 'study-launched');
        onWork(invited);
        return runner;
      }),
    workFor: (site, isHeldUp) => {
      const states = [...runners.values()].map((runner) => runner.state());
      return chooseWork(states, site, isHeldUp);
    },
    pausedFor: (site) =>
      [...runners.values()]
        .map((runner) => runner.state())
        .filter((state) => state.paused !== undefined && state.sites[site] !== undefined)
        .map(({ study }) => study),
    async stop() {
      for (const runner of runners.values()) await runner.stop();
      await retiring(async () => undefined);
    },
  };
}

function studyExists(): RefusalError {
  return new RefusalError('study-exists', {
    status: 409,
    message: 'This very plan was launched before. Change its name or seed to run it again.',
  });
}

function scaleFits(plan: StudyPlan, sites: number): boolean {
  const { mode, maximumSampleCount } = plan.protection;
  // Digits of counts fit short words, whatever the count (transfer/sample-counts.ts).
  if (mode === 'secure-aggregation' && codeBitsOf(plan) === 32 && sites * maximumSampleCount > LARGEST_SUM)
    return false;
  try {
    return updateScale(plan, sites) > 0;
  } catch {
    return false;
  }
}

/** Removes what interrupted runs left behind. Uploads that were acknowledged stay as long as a round may still take them. */
async function sweep(
  stores: StudyStores,
  { states, needed }: { readonly states: readonly StudyState[]; readonly needed: NeededBlobs },
): Promise<void> {
  await stores.published.sweep(needed.published);
  await stores.optimiserStates.sweep(needed.optimiserStates);
  await stores.sessions.messages.sweep(needed.sessionMessages);
  await stores.uploads.removeParts();
  if (states.every(isOver)) await stores.uploads.sweep(needed.uploads);
}

/** @throws {RefusalError} when there are fewer sites than its rule needs cohorts of. */
function requireCohorts(plan: StudyPlan, sites: number): void {
  const rules = cohortRules(plan);
  if (rules === null || sites >= rules.fewest * rules.size) return;
  throw new RefusalError('too-few-sites', {
    status: 409,
    message:
      `The plan's cohorts need ${rules.fewest * rules.size} sites (${rules.fewest} cohorts of ${rules.size}) and ${sites} are ` +
      'admitted. Invite and admit more sites, or lower protection.cohorts.size.',
  });
}

/** @throws {RefusalError} when the plan asks for secure aggregation and could not have it. */
function requireSecureAggregation({ protection }: StudyPlan, sites: number): void {
  if (protection.mode !== 'secure-aggregation') return;
  if (sites < FEWEST_SITES) {
    throw new RefusalError('too-few-sites', {
      status: 409,
      message:
        `Secure aggregation needs ${FEWEST_SITES} sites and ${sites} are admitted: with fewer each would show in the sum. ` +
        'Invite and admit more sites, or set protection.mode to sealed if every site’s policy allows it.',
    });
  }
}
