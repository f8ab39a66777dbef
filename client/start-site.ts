/** The composition root: puts the parts of a site client together and runs them until the signal aborts. */
import { join } from 'node:path';
import { LogRefusedError } from '@wardround/protocols/audit/watch-log.ts';
import { RosterRefusedError } from '@wardround/protocols/enrolment/roster-chain.ts';
import type { Work } from '@wardround/protocols/session/messages.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { EngineKind } from '@wardround/shared/learning/engine/open-engine.ts';
import { type EgressLedger, openEgressLedger } from './audit/egress-ledger.ts';
import { watchCoordinator } from './audit/watch-coordinator.ts';
import { CoordinatorRefusedError } from './link/errors.ts';
import { openSiteLink } from './link/site-link.ts';
import { safeSentence } from './log/safe-error.ts';
import type { SiteLog } from './log/site-log.ts';
import type { ApprovalRule } from './policy/approvals.ts';
import { readPolicy } from './policy/site-policy.ts';
import { createRosterFollower } from './roster/follow-roster.ts';
import { takeNextIdentity } from './roster/next-identity.ts';
import { lockSiteFolder } from './state/instance-lock.ts';
import { readMembership } from './state/membership.ts';
import { pinnedChain } from './state/pinned-roster.ts';
import { openSequenceNumbers } from './state/sequence-numbers.ts';
import { readSiteIdentity } from './state/site-identity.ts';
import { createStatusBoard, readSiteStatus } from './state/site-status.ts';
import { DEFAULT_PLACE_INTERVAL } from './training/place-keeper.ts';
import { forgetEndedStudies } from './training/rounds/forget-ended-studies.ts';
import { performAssignment } from './training/rounds/perform-assignment.ts';
import { startWorkLoop } from './training/rounds/work-loop.ts';
import type { SessionContext } from './training/session/perform-session-step.ts';
import { createTrainer, type Trainer } from './training/trainer.ts';
import type { WorkerSettings } from './training/worker-messages.ts';

/** How often a site without work asks whether studies that it keeps something for have ended. */
const FORGET_AGAIN_MILLIS = 10 * 60_000;

export interface StartSiteOptions {
  /** The site's folder (openSiteFolder). */
  readonly folder: string;
  readonly approvalRule: ApprovalRule;
  /** Engines to try; all, fastest first, when null. */
  readonly engines: readonly EngineKind[] | null;
  /** The most threads that may train at once without a GPU; one a core unless given. */
  readonly threads?: number | undefined;
  /** How often a long training keeps its place on the disk; 5 minutes unless given. */
  readonly placeMinutes?: number | undefined;
  /** Another data folder than the one given when joining. */
  readonly dataDirectory?: string | undefined;
  readonly log: SiteLog;
  readonly signal: AbortSignal;
  /** Another trainer than the training thread, and other models than the plans describe: for tests. */
  readonly openTrainer?: (settings: WorkerSettings) => Trainer;
  /** Another line to the coordinator: for tests. */
  readonly openLink?: typeof openSiteLink;
  readonly layoutOf?: NonNullable<SessionContext['layoutOf']>;
}

/**
 * Works for the coordinator until the signal aborts; what was being done then is stopped and done again after a restart.
 *
 * @throws {AlreadyRunningError | DamagedStateError} or, when the site has not joined, an Error; before anything is started.
 */
export async function startSite(options: StartSiteOptions): Promise<void> {
  while ((await runSite(options)) === 'new-keys') options.log.info('This site has new keys from now on');
}

/** @returns `new-keys` when it ended, between two pieces of work, so that the site's new keys come into use. */
async function runSite(options: StartSiteOptions): Promise<'stopped' | 'new-keys'> {
  const { folder, approvalRule, engines, threads, placeMinutes, log, signal } = options;
  const unlock = lockSiteFolder(folder);
  let ledger: EgressLedger | null = null;
  try {
    const membership = await readMembership(folder);
    const kept = await readSiteIdentity(folder);
    if (membership === null || kept === null) {
      throw new Error(
        'Cannot start: this site has not joined a coordinator yet. Run "wardround-site join TOKEN --data DIR" with the invitation you were given.',
      );
    }
    const { site, coordinator } = membership;
    const pinned = (await pinnedChain(folder)).at(-1)?.roster ?? null;
    const identity = await takeNextIdentity(folder, { site, roster: pinned, identity: kept });
    ledger = await openEgressLedger(folder, { identity });
    const blobFolder = join(folder, 'blobs');
    const status = createStatusBoard(folder);
    // What was found in the data is told again after a restart in the middle of a study, when nobody asks to prepare.
    const before = await readSiteStatus(folder).catch(() => null);
    if (before !== null)
      status.update({ engine: before.engine, inventory: before.inventory, quarantine: before.quarantine });
    const trouble = createTroubleLog(log);
    let hint = () => {};
    const link = (options.openLink ?? openSiteLink)({
      coordinator,
      identity,
      site,
      sequence: openSequenceNumbers(folder),
      blobFolder,
      bytesPerSecond: async () => (await readPolicy(folder)).bandwidthBytesPerSecond,
      recordEgress: ledger.record,
      onHint: () => hint(),
      onTrouble: trouble.happened,
      onSequenceBehind: () =>
        log.warn(
          'The coordinator has seen later requests of this site than its folder remembers: the folder was put back to an older state. Requests go on above them; look at "wardround-site audit verify" too',
        ),
      onClockDifference: (offsetMillis) =>
        log.warn(
          { offsetSeconds: Math.round(offsetMillis / 1000) },
          'This clock differs from the coordinator’s; its time is used',
        ),
    });
    const trainer = (options.openTrainer ?? createTrainer)({
      dataDirectory: options.dataDirectory ?? membership.dataDirectory,
      cacheDirectory: join(folder, 'cache'),
      engines,
      threads,
      ...(placeMinutes !== undefined && {
        placeInterval: { ...DEFAULT_PLACE_INTERVAL, everyMillis: placeMinutes * 60_000 },
      }),
    });
    const context = {
      folder,
      blobFolder,
      site,
      sealingKey: coordinator.sealingKey,
      signingSeed: identity.signingSeed,
      link,
      trainer,
      approvalRule,
      status,
      log,
      introduced: new Set<Sha256Hex>(),
      ...(options.layoutOf && { layoutOf: options.layoutOf }),
    };
    const watch = watchCoordinator(folder, { site, identity, coordinator, link, ledger });
    let hasNewKeys = false;
    const renew = new AbortController();
    const roster = createRosterFollower(folder, {
      site,
      identity,
      coordinator,
      link,
      log,
      onNewKeys: () => {
        hasNewKeys = true;
      },
    });
    /** Why the coordinator is not worked for, in a sentence. */
    let distrust: string | null = null;
    let lastWork: Work['kind'] | null = null;
    /** The look at the coordinator’s log that is under way beside the work, if any. */
    let watching: Promise<void> = Promise.resolve();
    /** What is being forgotten of studies that have ended: between two pieces of work only. */
    let forgetting: Promise<void> = Promise.resolve();
    let forgetAgainMillis = 0;
    const forgetEnded = () => {
      if (performance.now() < forgetAgainMillis) return;
      forgetAgainMillis = performance.now() + FORGET_AGAIN_MILLIS;
      forgetting = forgetEndedStudies(folder, { link, signal }).catch((error: unknown) => {
        if (!signal.aborted) log.warn({ error }, 'Whether old studies have ended could not be found out');
      });
    };
    /** Members are asked for their approval also when there is no work. */
    let attending: Promise<void> = Promise.resolve();
    const attend = () => {
      attending = roster.follow(signal).catch((error: unknown) => {
        if (signal.aborted) return;
        if (error instanceof RosterRefusedError) {
          distrust = safeSentence(error);
          status.update({ problem: distrust });
        }
        log.warn({ error }, 'The roster could not be followed');
      });
    };
    const onWork = (work: Work) => {
      const { kind } = work;
      trouble.passed();
      const announced = link.announced() ? 'announced' : 'polling';
      status.update({
        connection: kind === 'pending-admission' ? 'waiting-for-admission' : announced,
        problem: distrust,
      });
      if (kind === 'pending-admission' && lastWork !== kind) {
        log.info('Enrolled; waiting for the coordinator’s administrator to admit this site');
      }
      // What the last piece of work led to is seen as well, not only what comes before the next.
      if (kind === 'idle' && lastWork !== null && lastWork !== kind) {
        watching = watch.check(signal).catch((error: unknown) => {
          if (!signal.aborted) log.warn({ error }, 'The coordinator’s log could not be followed');
        });
      }
      // The piece that was in hand has been dropped by the second time, unless it may be finished.
      if (work.kind === 'idle' && lastWork === 'idle' && work.mayFinish === undefined) forgetEnded();
      lastWork = kind;
      if (kind === 'idle' && hasNewKeys) renew.abort();
      else if (kind !== 'pending-admission') attend();
    };
    log.info({ site, approval: approvalRule }, 'The site client has started');
    const loop = startWorkLoop({
      ask: link.work,
      perform: async (assignment, stop) => {
        await forgetting;
        await Promise.all([roster.follow(signal), watch.check(stop)]);
        distrust = null;
        await performAssignment(assignment, context, stop);
      },
      onWork,
      onAskFailed: (error) => {
        trouble.happened(error);
        status.update({ connection: 'failing', problem: safeSentence(error) });
      },
      onWorkFailed: ({ kind, study }, error) => {
        const level = error instanceof CoordinatorRefusedError ? 'warn' : 'error';
        if (error instanceof LogRefusedError || error instanceof RosterRefusedError) {
          distrust = safeSentence(error);
          status.update({ problem: distrust });
        }
        log[level]({ kind, study, error }, 'The work could not be finished; asking for work again');
      },
      signal: AbortSignal.any([signal, renew.signal]),
    });
    hint = loop.hint;
    try {
      await loop.ended;
      await Promise.all([watching, attending, forgetting]);
      return signal.aborted ? 'stopped' : 'new-keys';
    } finally {
      link.close();
      await trainer.close();
      await status.close();
      log.info('The site client has stopped');
    }
  } finally {
    await ledger?.close();
    unlock();
  }
}

/** Logs a trouble when it begins or changes and when it has passed, not at every attempt. */
function createTroubleLog(log: SiteLog): { happened: (error: unknown) => void; passed: () => void } {
  let current: string | null = null;
  return {
    happened(error) {
      const sentence = safeSentence(error);
      if (sentence === current) return;
      current = sentence;
      log.warn({ error }, 'The coordinator gives no usable answer; trying again');
    },
    passed() {
      if (current !== null) log.info('The coordinator answers again');
      current = null;
    },
  };
}
