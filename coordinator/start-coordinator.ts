/** Puts the coordinator together, from the disk up, and starts it. The one place that knows all parts. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { memberNames } from '@wardround/protocols/enrolment/roster.ts';
import { rosterDifference } from '@wardround/protocols/enrolment/roster-difference.ts';
import { findSessionRoster } from '@wardround/protocols/enrolment/session-roster.ts';
import { fingerprint, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { openAppendFile } from '@wardround/shared/files/append-file.ts';
import { lockInstance } from '@wardround/shared/files/instance-lock.ts';
import { createPace } from '@wardround/shared/streams/pace.ts';
import type { Logger } from 'pino';
import { startAggregationThread } from './aggregation/aggregation-thread.ts';
import { createModelWork, plannedModels, type StageModels } from './aggregation/model-work.ts';
import { followAuditLog, openAuditLog } from './audit/audit-log.ts';
import { completeLog, createAuditedJournal } from './audit/audited-journal.ts';
import { adminRoutes } from './edge/admin-routes.ts';
import { auditRoutes } from './edge/audit-routes.ts';
import { blobRoutes } from './edge/blob-routes.ts';
import { createIdentifyCaller, type OwnIdentity } from './edge/caller.ts';
import { createExpectedUploads } from './edge/expected-upload.ts';
import { healthRoutes } from './edge/health-routes.ts';
import { type HintSockets, openHintSockets } from './edge/hint-sockets.ts';
import { createHoldStatement, logEvidence } from './edge/hold-statements.ts';
import { limits } from './edge/limits.ts';
import type { Gate } from './edge/message-route.ts';
import { createProgressBoard } from './edge/progress-board.ts';
import { rosterRoutes } from './edge/roster-routes.ts';
import { createSendAnswer } from './edge/send-answer.ts';
import { siteRoutes } from './edge/site-routes.ts';
import { createTokenBucket } from './edge/token-bucket.ts';
import { transcriptRoutes } from './edge/transcript-routes.ts';
import { uploadRoutes } from './edge/upload-routes.ts';
import { createWebServer } from './edge/web-server.ts';
import { followRoster, takeUpRoster } from './registry/follow-roster.ts';
import { createRegistry } from './registry/registry.ts';
import { createRosterKeeper } from './registry/roster-keeper.ts';
import { createAuditTable } from './replicas/audit-table.ts';
import { ReplicaSettingsError } from './replicas/instance-table.ts';
import { joinReplicas } from './replicas/join-replicas.ts';
import { createSharedJournal } from './replicas/shared-journal.ts';
import { openSharedUploads } from './replicas/shared-uploads.ts';
import { takeOverAudit } from './replicas/take-over-audit.ts';
import { type Clock, systemClock } from './rounds/clock.ts';
import { KEEP_ENDED_TRANSCRIPTS_DAYS, KEEP_TRANSCRIPT_EVERY } from './rounds/kept-transcripts.ts';
import { openStudies, type Studies } from './rounds/studies.ts';
import { sweepEndedStudies } from './rounds/sweep-ended-studies.ts';
import { removeAddress, writeAddress } from './storage/address-file.ts';
import { type BlobPlace, blobPlace } from './storage/blob-place.ts';
import { writeBlobPlace } from './storage/blob-place-file.ts';
import { type DatabasePlace, databasePlace } from './storage/database-place.ts';
import { createEvidenceTable } from './storage/evidence-table.ts';
import { loadOrCreateIdentity, useIdentity } from './storage/identity-file.ts';
import { createJournal } from './storage/journal.ts';
import { createNonceMemory } from './storage/nonce-memory.ts';
import { createBlobFolders, openBlobStores } from './storage/open-blob-stores.ts';
import { openDatabase } from './storage/open-database.ts';
import { retryUnavailable } from './storage/retry-unavailable.ts';
import { createRosterTable } from './storage/roster-table.ts';
import { openSequenceLog } from './storage/sequence-log.ts';
import { createSequenceWindows } from './storage/sequence-windows.ts';
import { createSiteTable } from './storage/site-table.ts';
import { createStateFolder, type StateFolder, stateFolder } from './storage/state-folder.ts';
import { createStatementTable } from './storage/statement-table.ts';
import { openStagedUploads } from './storage/uploads/staged-uploads.ts';
import { sweepUploads } from './storage/uploads/sweep-uploads.ts';

export interface CoordinatorOptions {
  readonly stateFolder: string;
  /** PostgreSQL (storage/database-place.ts); without it SQLite in the state folder. */
  readonly databaseUrl?: string | null;
  /**
   * One of several on one PostgreSQL database and one blob store, behind one address (replicas/). Each has a state folder of
   * its own.
   */
  readonly replica?: boolean;
  /** How long a killed replica's studies wait for the next that leads them; for tests. */
  readonly leaseMillis?: number | undefined;
  /** A folder, or s3://BUCKET/PREFIX; without it the state folder. */
  readonly blobStore?: string | null;
  /** The file with the coordinator's keys; without it the state folder's, which is made when it is missing. */
  readonly identityFile?: string | null;
  /** The address to listen on, and the port; 0 takes a free one. */
  readonly host: string;
  readonly port: number;
  /** Where sites reach the coordinator; without it, where it listens. */
  readonly publicUrl: string | null;
  /** Admit sites as soon as they enrol. */
  readonly admitInvited: boolean;
  /** PEM files. Without them the coordinator speaks plain HTTP: everything is signed and updates are sealed all the same. */
  readonly tls: { readonly keyFile: string; readonly certificateFile: string } | null;
  /** Of which rounds members can replay the session (rounds/kept-transcripts.ts). */
  readonly keepTranscriptEvery?: number | undefined;
  /** How long after its study's end; 90 without it. */
  readonly keepEndedTranscriptsDays?: number | undefined;
  /** What each site may send and fetch in a second. */
  readonly siteBytesPerSecond?: number | null | undefined;
  readonly log: Logger;
  /** Another time than this machine's, and other models than the plans describe: for tests. Such models are worked on in this thread, unless a module names them. */
  readonly clock?: Clock;
  readonly models?: StageModels;
}

export interface RunningCoordinator {
  /** Where sites reach it. */
  readonly publicUrl: string;
  readonly fingerprint: string;
  /** Stops listening and lets go of the state folder. What was acknowledged is durable already. */
  close(): Promise<void>;
}

/** How long requests under way may take to be answered when the coordinator stops. */
const stopPatienceMillis = 3000;
const DAY_MILLIS = 86_400_000;

/** @throws {AlreadyRunningError | DatabaseVersionError | DatabaseUnavailableError | DatabaseSettingsError | JournalDamagedError | AuditLogDamagedError | SyntaxError} */
export async function startCoordinator(options: CoordinatorOptions): Promise<RunningCoordinator> {
  const { log, clock = systemClock, models = plannedModels } = options;
  const { keepTranscriptEvery = KEEP_TRANSCRIPT_EVERY } = options;
  const { keepEndedTranscriptsDays = KEEP_ENDED_TRANSCRIPTS_DAYS } = options;
  const transcripts = { every: keepTranscriptEvery, afterEndMillis: keepEndedTranscriptsDays * DAY_MILLIS };
  await using closing = new AsyncDisposableStack();

  const folder = stateFolder(options.stateFolder);
  await createStateFolder(folder);
  closing.defer(lockInstance(folder.lock, { program: 'coordinator' }));
  if (options.identityFile) await useIdentity(options.identityFile, folder.identity);
  const identity = await loadOrCreateIdentity(folder.identity);
  const keys = publicKeys(identity);
  const own: OwnIdentity = { identity, keys, fingerprint: fingerprint(keys) };
  const databaseAt = databasePlace(folder.database, options.databaseUrl ?? null);
  const blobsAt = blobPlace(options.blobStore ?? null, folder.root);
  const isShared = options.replica === true;
  if (isShared) requireShared(databaseAt, blobsAt, folder);
  await createBlobFolders(blobsAt);
  await writeBlobPlace(folder.blobStore, options.blobStore ?? null);
  const database = await openDatabase(databaseAt);
  closing.defer(() => database.close());
  const { leaseMillis } = options;
  const place = { at: databaseAt, isShared, fingerprint: own.fingerprint, leaseMillis };
  const replicas = await joinReplicas(database, { ...place, clock, log });
  closing.defer(() => replicas.close());
  const tls = options.tls && {
    key: await readFile(options.tls.keyFile),
    certificate: await readFile(options.tls.certificateFile),
  };

  const blobs = await openBlobStores(blobsAt);
  closing.defer(() => blobs.close());
  const { published, optimiserStates, uploads } = blobs;
  const sites = createSiteTable(database);
  const nonces = createNonceMemory(database);
  const sequenceLog = await openSequenceLog(database, { file: await openAppendFile(folder.sequences) });
  // What one coordinator has left there is in the database now, where replicas share it.
  if (isShared) await sequenceLog.close();
  else closing.defer(() => sequenceLog.close());
  const sequences = isShared ? createSequenceWindows(database) : sequenceLog;
  if (isShared) await takeOverAudit(database, folder.audit);
  const auditing = { identity, now: clock.now };
  const auditLog = await (isShared
    ? followAuditLog(createAuditTable(database), auditing)
    : openAuditLog(folder.audit, auditing));
  closing.defer(() => auditLog.close());
  const journal = createJournal(database);
  const evidence = createEvidenceTable(database);
  await completeLog(auditLog, { journal, sites: await sites.sites() });
  await logEvidence(evidence, auditLog);
  const onTrouble = (error: unknown): void =>
    log.error({ problem: error instanceof Error ? error.name : 'unknown' }, 'the audit log cannot be written');
  const rosters = createRosterTable(database);
  const sessions = {
    messages: blobs.sessions,
    models,
    roster: async (hash: string | null) => findSessionRoster(await rosters.read(), { hash, nowMillis: clock.now() }),
  };
  const stores = {
    journal: isShared
      ? createSharedJournal(journal, { log: auditLog, onAppended: () => replicas.tell({ kind: 'changed' }), onTrouble })
      : createAuditedJournal(journal, { log: auditLog, onTrouble }),
    sites,
    published,
    optimiserStates,
    uploads,
    sessions,
  };
  const modelsModule = options.models?.module;
  const isInThread = options.models === undefined || modelsModule !== undefined;
  const thread = isInThread ? startAggregationThread({ folder, identity, modelsModule, blobs: blobsAt }) : null;
  const work = thread ?? createModelWork({ identity, published, optimiserStates, uploads, models });
  closing.defer(() => thread?.close());

  let sockets: HintSockets | null = null;
  const hint = (names: readonly string[]): void => sockets?.hint(names);
  const studies: Studies = await openStudies(stores, { work, clock, log, transcripts, isShared, onWork: hint });
  closing.defer(() => studies.stop());

  let publicUrl = options.publicUrl ?? '';
  const onAdmitted = async (site: string): Promise<void> => {
    log.info({ site }, 'site-admitted');
    const { signingKey } = (await retryUnavailable(() => sites.findSite(site), clock)) ?? {};
    if (signingKey !== undefined) {
      await auditLog.append([{ kind: 'site-admitted', site, signingKey }]).catch(onTrouble);
    }
    await retryUnavailable(() => studies.invite(site), clock);
    hint([site]);
  };
  const roster = await createRosterKeeper(rosters, {
    identity,
    fingerprint: own.fingerprint,
    signingKey: keys.signingKey,
    now: clock.now,
    exclusively: isShared ? replicas.exclusively('roster') : undefined,
    async onEpoch(next, previous) {
      log.info({ epoch: next.epoch, changes: rosterDifference(previous, next) }, 'roster-adopted');
      await retryUnavailable(() => followRoster(next, { table: sites, onAdmitted }), clock);
      hint(memberNames(next));
    },
    onProposal: hint,
  });
  await takeUpRoster(roster, { table: sites, onAdmitted });
  const registry = createRegistry(sites, {
    identity,
    fingerprint: own.fingerprint,
    publicUrl: () => publicUrl,
    now: clock.now,
    admitInvited: options.admitInvited,
    roster,
    async onRevoked(site) {
      log.info({ site }, 'site-revoked');
      sockets?.disconnect(site);
      replicas.tell({ kind: 'revoked', site });
      for (const runner of studies.all()) {
        if (runner.state().sites[site] !== undefined) {
          await runner.submit({ kind: 'decline', site, reason: 'site-revoked' });
        }
      }
    },
  });

  const statements = createStatementTable(database);
  const sweeping = sweepEndedStudies(
    { studies, statements },
    { clock, everyMillis: DAY_MILLIS, onTrouble: () => log.error('what ended studies left could not be removed') },
  );
  closing.defer(() => sweeping.stop());
  const hold = createHoldStatement({
    statements,
    evidence,
    log: auditLog,
    coordinatorFingerprint: own.fingerprint,
    now: clock.now,
    onTrouble,
  });
  const send = createSendAnswer(own, clock.now);
  const progress = replicas.share(createProgressBoard(clock.now));
  const identifyCaller = createIdentifyCaller({ own, registry, roster, nonces, sequences, now: clock.now });
  const identify: typeof identifyCaller = async (request) => {
    // What another replica has acknowledged holds for the answer of this one.
    await replicas.follow();
    const caller = await identifyCaller(request);
    progress.hear(caller.name);
    return caller;
  };
  const gate: Gate = {
    identify,
    send,
    callers: createTokenBucket(limits.siteRequests, clock.now),
    strangers: createTokenBucket(limits.strangerRequests, clock.now),
  };
  const expected = createExpectedUploads(studies, models);
  const staging = { clock, limits: limits.uploads };
  const staged =
    isShared || blobs.uploadFolder === null
      ? openSharedUploads(blobs, staging)
      : openStagedUploads(blobs.uploadFolder, staging);
  closing.defer(() => staged.close());
  closing.defer(
    sweepUploads(staged, {
      clock,
      everyMillis: limits.uploads.sweepMillis,
      isExpected: expected.isExpected,
      onTrouble: () => log.error('unfinished uploads could not be removed'),
    }),
  );
  const { siteBytesPerSecond = null } = options;
  const pace = siteBytesPerSecond === null ? null : { pace: createPace(), bytesPerSecond: siteBytesPerSecond };
  const web = createWebServer({ send, log, tls });
  const { onConnected } = replicas;
  const open = openHintSockets(web.server, { identify, progress, now: clock.now, log, onConnected });
  sockets = open;
  closing.defer(async () => {
    const closed = open.close();
    // Requests under way are answered. A line on which nothing is ever asked would hold up the end for good.
    const patience = setTimeout(() => web.server.closeAllConnections(), stopPatienceMillis);
    await closed;
    clearTimeout(patience);
    web.server.closeAllConnections();
  });
  const isConnected = (site: string): boolean => open.isConnected(site) || replicas.isConnected(site);
  if (isShared) closing.use(replicas.run({ studies, roster, sites, blobs, sockets: open, progress }));
  const checks = [() => database.tables.selectFrom('sites').select('site').limit(1).execute(), blobs.check];
  web.serve([
    healthRoutes({ checks, now: clock.now }),
    siteRoutes(gate, { own, registry, nonces, studies, uploads, work, sessions, progress, hold, now: clock.now }),
    auditRoutes(gate, { log: auditLog, registry }),
    transcriptRoutes(gate, { identity, studies, messages: sessions.messages, uploads, transcripts, now: clock.now }),
    blobRoutes(gate, { published, pace }),
    uploadRoutes(gate, { own, uploads, staged, expected, clock, pace }),
    rosterRoutes(gate, { roster }),
    adminRoutes(gate, { registry, roster, studies, progress, isConnected, now: clock.now }),
  ]);

  web.server.listen({ host: options.host, port: options.port });
  await once(web.server, 'listening');
  const { port } = web.server.address() as AddressInfo;
  const scheme = tls === null ? 'http' : 'https';
  if (publicUrl === '') publicUrl = `${scheme}://${urlHost(options.host)}:${port}`;
  const certificateFile = options.tls && path.resolve(options.tls.certificateFile);
  await writeAddress(folder.address, {
    url: `${scheme}://${urlHost(localHost(options.host))}:${port}`,
    certificateFile,
  });
  closing.defer(() => removeAddress(folder.address));
  log.info({ port, fingerprint: own.fingerprint, database: database.kind }, 'listening');

  const running = closing.move();
  return { publicUrl, fingerprint: own.fingerprint, close: () => running.disposeAsync() };
}

/** @throws {ReplicaSettingsError} when replicas could not see one another's state. */
function requireShared(database: DatabasePlace, blobs: BlobPlace, { root }: StateFolder): void {
  if (database.kind !== 'postgresql') {
    throw new ReplicaSettingsError('Cannot start as a replica: needed a PostgreSQL database in DATABASE_URL.');
  }
  if (blobs.kind === 'folder' && blobs.root === root) {
    throw new ReplicaSettingsError(
      'Cannot start as a replica: needed --blob-store with a folder that all replicas share, or s3://BUCKET/PREFIX.',
    );
  }
}

/** An address that means "all of this machine's" is reached at the loopback one. */
function localHost(host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
