/**
 * The egress ledger: every body of a request is written down here, on the disk, before its first byte leaves the site.
 * What cannot be written down does not leave.
 *
 * Not written down: requests without a body (asking for work, downloads), which say no more than that the site is there.
 */
import { type LedgerHead, signLedgerHead } from '@wardround/protocols/audit/egress-head.ts';
import { type EgressEntry, egressRecord } from '@wardround/protocols/audit/egress-record.ts';
import { verifyEgress } from '@wardround/protocols/audit/verify-egress.ts';
import { appendRecord, CHAIN_START } from '@wardround/shared/crypto/hash-chain.ts';
import { type Identity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { type AppendFile, openAppendFile } from '@wardround/shared/files/append-file.ts';
import { DamagedStateError, readStateFile, writeStateFile } from '../state/state-file.ts';
import { AUDIT_REMEDY, EGRESS_HEAD, egressLedgerPath, SEEN_CHECKPOINT } from './audit-files.ts';

/** The ledger could not be written, so nothing was sent. */
export class EgressLedgerError extends Error {
  override readonly name = 'EgressLedgerError';
}

export interface EgressLedger {
  /**
   * Resolves when the record is on the disk: only then may the bytes leave.
   *
   * @throws {EgressLedgerError} when it is not.
   */
  record(entry: EgressEntry): Promise<void>;
  head(): LedgerHead;
  close(): Promise<void>;
}

/**
 * Opens the site's ledger; a last line that a power cut left unfinished is dropped, as nothing had left for it.
 *
 * @throws {DamagedStateError} when the ledger is not what was written.
 */
export async function openEgressLedger(
  folder: string,
  options: {
    readonly identity: Identity;
    readonly nowMillis?: () => number;
    readonly openFile?: (path: string) => Promise<AppendFile>;
  },
): Promise<EgressLedger> {
  const { identity, nowMillis = Date.now, openFile = openAppendFile } = options;
  const file = await openFile(egressLedgerPath(folder));
  let head: LedgerHead;
  /** Bytes of the ledger that count. */
  let length: number;
  try {
    const text = await file.read();
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    head = await requireUndamaged(whole, { folder, identity });
    length = Buffer.byteLength(whole);
    if (whole.length < text.length) await file.cut(length);
  } catch (error) {
    await file.close();
    throw error;
  }
  /** Something may lie behind the bytes that count. */
  let isTorn = false;
  /** The last record's signature is not on the disk. */
  let isUnsigned = true;
  let last: Promise<unknown> = Promise.resolve();

  async function sign(): Promise<void> {
    await writeStateFile(folder, EGRESS_HEAD, signLedgerHead(head, identity));
    isUnsigned = false;
  }

  async function append(entry: EgressEntry): Promise<void> {
    try {
      if (isTorn) await file.cut(length);
      isTorn = false;
      // No second record follows one that is not signed.
      if (isUnsigned) await sign();
      const appended = appendRecord(head.hash, egressRecord(entry, { seq: head.size, atMillis: nowMillis() }));
      isTorn = true;
      await file.append(appended.line);
      isTorn = false;
      head = { size: head.size + 1, hash: appended.hash };
      length += Buffer.byteLength(appended.line);
      isUnsigned = true;
      await sign();
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown cause';
      throw new EgressLedgerError(
        `Cannot send: the egress ledger in the site's folder could not be written (${code}), and nothing leaves unrecorded. ` +
          'Make room on the disk and check that the folder audit can be written.',
      );
    }
  }

  return {
    record(entry) {
      const recorded = last.then(() => append(entry));
      last = recorded.catch(() => undefined);
      return recorded;
    },
    head: () => head,
    async close() {
      await last;
      await file.close();
    },
  };
}

/** @returns the ledger's head. */
async function requireUndamaged(
  text: string,
  { folder, identity }: { readonly folder: string; readonly identity: Identity },
): Promise<LedgerHead> {
  const finding = verifyEgress(text.split('\n').slice(0, -1), {
    head: await readStateFile(folder, EGRESS_HEAD),
    shown: (await readStateFile(folder, SEEN_CHECKPOINT))?.ledger ?? null,
    signingKey: publicKeys(identity).signingKey,
  });
  if (finding.ok) return { size: finding.records.length, hash: finding.records.at(-1)?.hash ?? CHAIN_START };
  throw new DamagedStateError(`Cannot send anything: ${finding.fault.sentence} ${AUDIT_REMEDY}`);
}
