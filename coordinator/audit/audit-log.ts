/**
 * The coordinator's audit log: a chained line for everything that happened in studies, on the disk; and its checkpoints,
 * which sites cosign. What cannot be written now is kept and written before anything later is.
 */
import { checkpointText, logKey, witnessKey } from '@wardround/protocols/audit/checkpoint.ts';
import { isSignedLedgerHead, type LedgerHead } from '@wardround/protocols/audit/egress-head.ts';
import { LogEntry, LogRecord } from '@wardround/protocols/audit/log-record.ts';
import type { CheckpointAnswer, CosignatureOffer } from '@wardround/protocols/audit/messages.ts';
import { isSignedPrivacyHead } from '@wardround/protocols/audit/privacy-head.ts';
import {
  cosignedAt,
  encodeNote,
  parseNote,
  parseSignatureLine,
  signNote,
} from '@wardround/protocols/audit/signed-note.ts';
import { verifyLog } from '@wardround/protocols/audit/verify-log.ts';
import { encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { appendRecord, CHAIN_START } from '@wardround/shared/crypto/hash-chain.ts';
import { fingerprint, type Identity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { consistencyProof, growTree, leafHash } from '@wardround/shared/crypto/merkle-tree.ts';
import type { AppendFile } from '@wardround/shared/files/append-file.ts';
import { RefusalError } from '../refusal-error.ts';
import { createInTurn } from '../rounds/in-turn.ts';
import { openAuditFolder } from './audit-folder.ts';
import { AuditConflictError, type AuditStore } from './audit-store.ts';

/** The log or its checkpoints are not what was written. */
export class AuditLogDamagedError extends Error {
  override readonly name = 'AuditLogDamagedError';
}

export interface AuditLog {
  /** What was logged when the log was opened. */
  readonly before: readonly LogRecord[];
  /** Resolves when the entries are on the disk; on failure they are kept for the next call, where nobody else writes. */
  append(entries: readonly LogEntry[]): Promise<void>;
  /** The same of entries that depend on how many events of a study are logged: replicas log for one another. */
  appendMissing(make: (logged: (study: string) => number) => Promise<readonly LogEntry[]>): Promise<void>;
  /** Signs the log as it is. */
  checkpoint(): Promise<void>;
  /** The newest checkpoint, with the proof that it begins with the log of this size. */
  answer(from: number): Promise<CheckpointAnswer>;
  /** @throws {RefusalError} when the cosignature or the ledger's head is not the site's. */
  cosign(offer: CosignatureOffer, by: { readonly site: string; readonly signingKey: string }): Promise<void>;
  close(): Promise<void>;
}

/** The log of a coordinator that has its folder to itself. @throws {AuditLogDamagedError} */
export async function openAuditLog(
  folder: string,
  options: {
    readonly identity: Identity;
    readonly now: () => number;
    readonly openFile?: (file: string) => Promise<AppendFile>;
  },
): Promise<AuditLog> {
  const { openFile } = options;
  return followAuditLog(await openAuditFolder(folder, openFile === undefined ? {} : { openFile }), options);
}

/** @throws {AuditLogDamagedError} */
export async function followAuditLog(
  store: AuditStore,
  { identity, now }: { readonly identity: Identity; readonly now: () => number },
): Promise<AuditLog> {
  const { checkpoints } = store;
  const keys = publicKeys(identity);
  const log = { fingerprint: fingerprint(keys), signingKey: keys.signingKey };
  const signer = { ...logKey(log), signingSeed: identity.signingSeed };
  // The checkpoints first: another replica writes records before it signs them.
  const notes = await checkpoints.notes();
  const lines = await store.read(0);
  const finding = verifyLog(lines, { log, checkpoints: notes });
  if (!finding.ok) {
    await store.close();
    throw new AuditLogDamagedError(
      `Cannot start: ${finding.fault.sentence} Restore ${store.place} from a backup, together with the rest of the coordinator’s state.`,
    );
  }

  const tree = growTree();
  const leaves: Uint8Array[] = [];
  let head = CHAIN_START;
  let lastLine: string | null = null;
  let latest: { readonly size: number; readonly note: string } | null = null;
  const sizes = new Set<number>();
  /** Of the newest checkpoint, by the size that they begin with. */
  const proofs = new Map<number, string[]>();
  const pending: LogEntry[] = [];
  /** The ledger head that each site showed last. */
  const shown = new Map<string, LedgerHead>();
  /** The same of its privacy ledger. */
  const charged = new Map<string, LedgerHead>();
  /** Under which keys the log knows each site. */
  const keysOf = new Map<string, Set<string>>();
  /** Which evidence it names. */
  const named = new Set<string>();
  /** How many events of each study it has. */
  const logged = new Map<string, number>();
  const learn = (entry: LogEntry): void => {
    if (entry.kind === 'study-event') logged.set(entry.study, entry.position + 1);
    if (entry.kind === 'evidence') named.add(entry.evidence);
    if (entry.kind === 'site-ledger') shown.set(entry.site, entry.ledger);
    if (entry.kind === 'site-privacy-ledger') charged.set(entry.site, entry.ledger);
    if (entry.kind === 'site-admitted') {
      keysOf.set(entry.site, (keysOf.get(entry.site) ?? new Set()).add(entry.signingKey));
    }
  };
  const turn = createInTurn();

  const grow = (line: string, hash: string): void => {
    const leaf = leafHash(Buffer.from(line));
    leaves.push(leaf);
    tree.add(leaf);
    head = hash;
    lastLine = line;
  };
  for (const [index, record] of finding.records.entries()) {
    grow(lines[index]!, record.hash);
    learn(record);
  }

  /** Takes up what other replicas have written. */
  const follow = async (): Promise<void> => {
    for (const line of store.isShared ? await store.read(leaves.length) : []) {
      const record = LogRecord.parse(JSON.parse(line));
      const { prevHash: _, hash, ...content } = record;
      if (appendRecord(head, { ...content, seq: leaves.length }).line !== `${line}\n`) {
        throw new AuditLogDamagedError(
          'Cannot go on: the audit log has a line that does not follow from those before.',
        );
      }
      grow(line, hash);
      learn(record);
    }
    await followCheckpoints();
  };

  const followCheckpoints = async (): Promise<void> => {
    const known = await checkpoints.sizes();
    for (const size of known) sizes.add(size);
    const newest = known.at(-1);
    if (newest === undefined || newest === latest?.size || newest > leaves.length) return;
    const note = await checkpoints.get(newest);
    if (note !== null) setLatest(newest, note);
  };

  const setLatest = (size: number, note: string): void => {
    if (size !== latest?.size) proofs.clear();
    latest = { size, note };
    sizes.add(size);
  };
  await followCheckpoints();

  /** One after another here; done again with what another replica wrote meanwhile. */
  const inTurn = <Result>(task: () => Promise<Result>): Promise<Result> =>
    turn(async () => {
      for (;;) {
        if (store.isShared) await follow();
        try {
          return await task();
        } catch (error) {
          if (!(error instanceof AuditConflictError)) throw error;
        }
      }
    });

  const writePending = async (): Promise<void> => {
    const count = pending.length;
    let previous = head;
    const appended = pending.map((entry, index) => {
      const made = appendRecord(previous, { ...LogEntry.parse(entry), seq: leaves.length + index, atMillis: now() });
      previous = made.hash;
      return { line: made.line.slice(0, -1), hash: made.hash };
    });
    await store.append(
      appended.map(({ line }) => line),
      { position: leaves.length, before: lastLine },
    );
    pending.splice(0, count);
    for (const { line, hash } of appended) grow(line, hash);
  };

  /**
   * Made once for all sites, and only from sizes that a checkpoint had: no site has seen another. Who has seen more than
   * there is gets the checkpoint without a proof, and sees for itself.
   */
  const proofTo = (size: number, from: number): readonly string[] => {
    if (!sizes.has(from) || from >= size) return [];
    const known = proofs.get(from) ?? consistencyProof(leaves.slice(0, size), from).map(encodeBase64Url);
    proofs.set(from, known);
    return known;
  };

  const write = async (entries: readonly LogEntry[]): Promise<void> => {
    pending.push(...entries);
    try {
      await writePending();
    } catch (error) {
      // Another replica may have written them meanwhile: who asks for them looks again.
      if (store.isShared) pending.length = 0;
      else entries.forEach(learn);
      throw error;
    }
    entries.forEach(learn);
  };

  const isNews = (entry: LogEntry): boolean => {
    if (entry.kind === 'evidence') return !named.has(entry.evidence);
    if (!store.isShared) return true;
    if (entry.kind === 'site-admitted') return keysOf.get(entry.site)?.has(entry.signingKey) !== true;
    return entry.kind !== 'study-event' || entry.position >= (logged.get(entry.study) ?? 0);
  };

  return {
    before: finding.records,
    append: (entries) => inTurn(() => write(entries.filter(isNews))),
    appendMissing: (make) => inTurn(async () => write((await make((study) => logged.get(study) ?? 0)).filter(isNews))),
    checkpoint: () =>
      inTurn(async () => {
        await writePending();
        if (leaves.length === 0 || latest?.size === leaves.length) return;
        const signed = checkpointText({ size: tree.size(), root: tree.root() }, signer.name);
        const note = encodeNote(signed, [signNote(signed, signer)]);
        setLatest(leaves.length, await checkpoints.add(leaves.length, note));
      }),
    async answer(from) {
      if (store.isShared) await inTurn(async () => undefined);
      if (latest === null) return { note: null, consistency: [] };
      return { note: withoutCosignatures(latest.note), consistency: [...proofTo(latest.size, from)] };
    },
    cosign: (offer, by) =>
      inTurn(async () => {
        const note = await checkpoints.get(offer.size);
        if (note === null) {
          throw new RefusalError('checkpoint-unknown', {
            status: 404,
            message: 'There is no checkpoint of this size. Ask for the newest one.',
          });
        }
        const { text: signed, signatures } = parseNote(note);
        const key = witnessKey(log, by);
        if (
          !isCosignedBy(signed, { line: offer.cosignature, key }) ||
          !isSignedLedgerHead(offer.ledger, by.signingKey) ||
          (offer.privacy !== undefined && !isSignedPrivacyHead(offer.privacy, by.signingKey))
        ) {
          throw new RefusalError('cosignature-invalid', {
            status: 422,
            message: 'The cosignature or the ledger’s head is not signed by the site that sent it.',
          });
        }
        const before = shown.get(by.site) ?? { size: 0, hash: CHAIN_START };
        const isSame = offer.ledger.size === before.size && offer.ledger.hash === before.hash;
        if (!isSame && offer.ledger.size <= before.size) {
          throw new RefusalError('ledger-rolled-back', {
            status: 409,
            message:
              `This site has shown an egress ledger of ${before.size} records before and shows an older one now. ` +
              'Put the newest copy of the site folder’s audit folder back, or join again under another name.',
          });
        }
        const { privacy } = offer;
        const chargedBefore = charged.get(by.site) ?? { size: 0, hash: CHAIN_START };
        const isChargedSame = privacy?.size === chargedBefore.size && privacy.hash === chargedBefore.hash;
        if (privacy !== undefined && !isChargedSame && privacy.size <= chargedBefore.size) {
          throw new RefusalError('privacy-ledger-rolled-back', {
            status: 409,
            message:
              `This site has shown a privacy ledger of ${chargedBefore.size} charges before and shows an older one now. ` +
              'Put the newest copy of the site folder’s privacy folder back; what its patients have spent must not be forgotten.',
          });
        }
        // A site that rotated its keys: whoever verifies the log finds the new one in it.
        if (!keysOf.get(by.site)?.has(by.signingKey))
          await write([{ kind: 'site-admitted', site: by.site, signingKey: by.signingKey }]);
        if (!signatures.some(({ name }) => name === key.name)) {
          const cosigned = await checkpoints.sign(offer.size, offer.cosignature);
          if (latest?.size === offer.size) latest = { size: offer.size, note: cosigned };
        }
        if (!isSame) await write([{ kind: 'site-ledger', site: by.site, ledger: offer.ledger }]);
        if (privacy !== undefined && !isChargedSame) {
          await write([{ kind: 'site-privacy-ledger', site: by.site, ledger: privacy }]);
        }
      }),
    close: () => turn(() => store.close()),
  };
}

function isCosignedBy(text: string, { line, key }: { line: string; key: Parameters<typeof cosignedAt>[1] }): boolean {
  try {
    return cosignedAt({ text, signatures: [parseSignatureLine(line)] }, key) !== null;
  } catch {
    return false;
  }
}

/** As the coordinator signed it: a thousand cosignatures are no site's concern. */
function withoutCosignatures(note: string): string {
  const end = note.indexOf('\n\n') + 2;
  return note.slice(0, note.indexOf('\n', end) + 1);
}
