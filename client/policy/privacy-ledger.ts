/**
 * The privacy ledger of one cohort at this site: what its patients have spent, over all studies. It is charged, on the disk,
 * before anything is sent, and never forgets.
 *
 * Records are chained by their hashes, so none can be changed or taken out. That its end was cut off, as by a backup put
 * back, shows in a second file, the high-water mark, which may stand on another disk: it says how many records there were at
 * least and the last one's hash. Only both put back together would pass; `head()` is there to be written where others see it.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LedgerHead } from '@wardround/protocols/audit/egress-head.ts';
import { Sha256, Slug } from '@wardround/protocols/names.ts';
import { appendRecord, CHAIN_START, verifyChain } from '@wardround/shared/crypto/hash-chain.ts';
import { type AppendFile, openAppendFile } from '@wardround/shared/files/append-file.ts';
import type { RepeatedGaussian } from '@wardround/shared/privacy/rdp.ts';
import { z } from 'zod';
import { DamagedStateError, readStateFile, type StateFile, writeStateFile } from '../state/state-file.ts';
import { type PrivacyBudget, PrivacyBudgetError, projectedEpsilon } from './privacy-budget.ts';
import { PrivacyCharge, PrivacyRecord } from './privacy-charge.ts';

export interface PrivacyLedger {
  /** The epsilon spent so far at the budget's delta. */
  spent(): number;
  /** The epsilon spent in all if those mechanisms ran as well. */
  projected(mechanisms: readonly RepeatedGaussian[]): number;
  /**
   * Resolves to the epsilon spent in all when the charge is on the disk: only then may the release leave. A release that was
   * charged before costs nothing more.
   *
   * @throws {PrivacyBudgetError} when the budget is too small; nothing is charged then.
   * @throws {Error} when the ledger could not be written, or the release was charged for something else.
   */
  charge(charge: PrivacyCharge): Promise<number>;
  head(): { readonly records: number; readonly hash: string };
  close(): Promise<void>;
}

export interface PrivacyLedgerOptions {
  /** Its name at this site; each cohort of patients has a ledger of its own. */
  readonly cohort: string;
  readonly budget: PrivacyBudget;
  /** Where the high-water mark stands; the site's folder unless given. */
  readonly highWaterFolder?: string;
  readonly nowMillis?: () => number;
  readonly openFile?: (path: string) => Promise<AppendFile>;
}

const REMEDY =
  'Restore both files of the cohort in the folder privacy from the newest backup, and charge by hand what was sent since. If there is none, count the budget as spent.';

const HighWater = z.strictObject({
  format: z.literal('wardround-privacy-high-water/1'),
  records: z.int().min(0),
  hash: Sha256,
});
type HighWater = z.infer<typeof HighWater>;

function ledgerFile(folder: string, cohort: string): string {
  return join(folder, 'privacy', `${cohort}.jsonl`);
}

function highWaterFile(cohort: string): StateFile<HighWater> {
  return { name: `privacy/${cohort}.high-water.json`, schema: HighWater, remedy: REMEDY };
}

/**
 * Opens the cohort's ledger; a last line that a crash left unfinished is dropped, as nothing was sent for it.
 *
 * @throws {DamagedStateError} when the ledger is not what was written, or less than the high-water mark says.
 */
export async function openPrivacyLedger(folder: string, options: PrivacyLedgerOptions): Promise<PrivacyLedger> {
  const { budget, highWaterFolder = folder, nowMillis = Date.now, openFile = openAppendFile } = options;
  const markFile = highWaterFile(Slug.parse(options.cohort));
  const file = await openFile(ledgerFile(folder, options.cohort));
  let records: PrivacyRecord[];
  /** Bytes of the file that count. */
  let length: number;
  try {
    const text = await file.read();
    const whole = wholeLines(text);
    const mark = await readStateFile(highWaterFolder, markFile);
    records = readRecords(whole);
    requireMark(records, mark);
    length = Buffer.byteLength(whole);
    // By bytes: a torn line may end inside a character.
    await file.cut(length);
    if (mark?.records !== records.length) await raiseMark();
  } catch (error) {
    await file.close();
    throw error;
  }
  let isTorn = false;
  let isMarked = true;
  let last: Promise<unknown> = Promise.resolve();

  function head(): { records: number; hash: string } {
    return { records: records.length, hash: records.at(-1)?.hash ?? CHAIN_START };
  }

  async function raiseMark(): Promise<void> {
    await writeStateFile(highWaterFolder, markFile, { format: 'wardround-privacy-high-water/1', ...head() });
  }

  const projected = (mechanisms: readonly RepeatedGaussian[]) =>
    projectedEpsilon(mechanisms, { delta: budget.delta, before: records });

  async function append(charge: PrivacyCharge): Promise<void> {
    if (isTorn) await file.cut(length);
    isTorn = false;
    const { seq, atMillis } = { seq: records.length, atMillis: nowMillis() };
    const { line, hash } = appendRecord(head().hash, { format: FORMAT, ...charge, seq, atMillis });
    isTorn = true;
    await file.append(line);
    isTorn = false;
    isMarked = false;
    length += Buffer.byteLength(line);
    records.push({ format: FORMAT, ...charge, seq, atMillis, prevHash: head().hash, hash });
  }

  async function spend(input: PrivacyCharge): Promise<number> {
    const charge = PrivacyCharge.parse(input);
    const before = records.find(({ release }) => release === charge.release);
    if (before !== undefined) {
      requireSame(before, charge);
    } else {
      const asked = projected([charge]);
      if (!(asked <= budget.epsilon)) {
        throw new PrivacyBudgetError({ budget: budget.epsilon, spent: projected([]), asked });
      }
    }
    try {
      if (before === undefined) await append(charge);
      // A charge counts for its caller once its end cannot be cut off unseen.
      if (!isMarked) await raiseMark();
      isMarked = true;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown cause';
      throw new Error(
        `Cannot release: the privacy ledger could not be written (${code}), and nothing leaves uncharged. Make room on the disk and check that the folder privacy can be written.`,
      );
    }
    return projected([]);
  }

  return {
    spent: () => projected([]),
    projected,
    charge(charge) {
      const charged = last.then(() => spend(charge));
      last = charged.catch(() => undefined);
      return charged;
    },
    head,
    async close() {
      await last;
      await file.close();
    },
  };
}

/**
 * The ledger as it is on the disk, beside a running client or without one; nothing is changed.
 *
 * @throws {DamagedStateError} when it is not what was written.
 */
export async function readPrivacyLedger(
  folder: string,
  { cohort, highWaterFolder = folder }: Pick<PrivacyLedgerOptions, 'cohort' | 'highWaterFolder'>,
): Promise<{ readonly records: readonly PrivacyRecord[]; readonly head: LedgerHead }> {
  // The mark first: a running client writes a record before it raises the mark.
  const mark = await readStateFile(highWaterFolder, highWaterFile(Slug.parse(cohort)));
  const text = await readFile(ledgerFile(folder, cohort), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const records = readRecords(wholeLines(text));
  requireMark(records, mark);
  return { records, head: { size: records.length, hash: records.at(-1)?.hash ?? CHAIN_START } };
}

const FORMAT = 'wardround-privacy-charge/1';

/** What follows the last line break was never finished. */
function wholeLines(text: string): string {
  return text.slice(0, text.lastIndexOf('\n') + 1);
}

function readRecords(text: string): PrivacyRecord[] {
  const finding = verifyChain(text.split('\n').slice(0, -1));
  if (!finding.ok) {
    const { kind, line } = finding.fault;
    throw new DamagedStateError(`Cannot use the privacy ledger: line ${line} is ${kind}. ${REMEDY}`);
  }
  return finding.records.map((record) => {
    const parsed = PrivacyRecord.safeParse(record);
    if (parsed.success) return parsed.data;
    throw new DamagedStateError(`Cannot use the privacy ledger: line ${record.seq + 1} is no charge. ${REMEDY}`);
  });
}

/** The mark is raised after each record, so the ledger may be ahead of it and never behind. */
function requireMark(records: readonly PrivacyRecord[], mark: HighWater | null): void {
  if (mark === null) {
    if (records.length === 0) return;
    throw new DamagedStateError(
      `Cannot use the privacy ledger: it has ${records.length} records and its high-water mark is missing. ${REMEDY}`,
    );
  }
  if (records.length < mark.records) {
    throw new DamagedStateError(
      `Cannot use the privacy ledger: it must have at least ${mark.records} records, found ${records.length}; it was cut off or put back from a backup. ${REMEDY}`,
    );
  }
  if (mark.records > 0 && records[mark.records - 1]!.hash !== mark.hash) {
    throw new DamagedStateError(
      `Cannot use the privacy ledger: record ${mark.records} is not the one that its high-water mark names; it was written anew. ${REMEDY}`,
    );
  }
}

function requireSame(before: PrivacyRecord, charge: PrivacyCharge): void {
  const keys = Object.keys(charge) as (keyof PrivacyCharge)[];
  const different = keys.filter((key) => before[key] !== charge[key]);
  if (different.length > 0) {
    throw new Error(
      `Cannot charge: the release was charged before with another ${different.join(', ')}. Train the round again, so that it has a release of its own.`,
    );
  }
}
