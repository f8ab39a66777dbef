/**
 * The sequence windows (sequence-windows.ts) of a coordinator that has its database to itself: in memory, each number on the
 * disk, in a file that only grows, before its request is heeded. Syncing that file holds up nobody who does not wait for it,
 * where a commit of SQLite would hold up every site; and it is as right after kill -9. The file is folded into the database
 * when it has grown, and when it is opened.
 */
import type { AppendFile } from '@wardround/shared/files/append-file.ts';
import type { Database } from './database.ts';
import type { SequenceWindows } from './sequence-windows.ts';
import { emptyWindow, type SequenceVerdict, type SequenceWindow, slideWindow, WINDOW_SIZE } from './slide-window.ts';

export interface SequenceLog extends Pick<SequenceWindows, 'use' | 'least'> {
  close(): Promise<void>;
}

interface Waiting {
  readonly signer: string;
  readonly sequence: number;
  readonly resolve: (verdict: SequenceVerdict) => void;
  readonly reject: (error: unknown) => void;
}

/** Lines after which the file is folded into the database. */
const FOLD_AFTER = 20_000;
const LINE = /^[\w-]+ \d{1,16}$/;

/** @throws {SyntaxError} when the file is damaged. */
export async function openSequenceLog(
  { tables, transaction }: Pick<Database, 'tables' | 'transaction'>,
  options: { readonly file: AppendFile; readonly foldAfter?: number },
): Promise<SequenceLog> {
  const { file, foldAfter = FOLD_AFTER } = options;
  const windows = new Map<string, SequenceWindow>();
  const rows = await tables.selectFrom('sequences').selectAll().execute();
  for (const { signer, window_start: start, seen } of rows) windows.set(signer, { start, seen });
  const changed = new Set<string>();
  let lines = 0;
  let bytes = 0;
  /** Whether an append failed, of which something may be in the file. */
  let isTorn = false;
  let waiting: Waiting[] = [];
  let marking: Promise<void> | null = null;

  const slide = (signer: string, sequence: number): SequenceVerdict => {
    const { verdict, window } = slideWindow(windows.get(signer) ?? emptyWindow, sequence);
    if (verdict === 'new') {
      windows.set(signer, window);
      changed.add(signer);
    }
    return verdict;
  };

  /** The database first: what stands in both is marked once. */
  const fold = async (): Promise<void> => {
    await transaction(async (written) => {
      for (const signer of changed) {
        const { start, seen } = windows.get(signer)!;
        const row = { signer, window_start: start, seen };
        await written
          .insertInto('sequences')
          .values(row)
          .onConflict((conflict) => conflict.column('signer').doUpdateSet(row))
          .execute();
      }
    });
    await file.cut(0);
    changed.clear();
    lines = 0;
    bytes = 0;
  };

  const markAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const together = waiting;
      waiting = [];
      try {
        if (isTorn) await file.cut(bytes);
        isTorn = true;
        const text = together.map(({ signer, sequence }) => `${signer} ${sequence}\n`).join('');
        await file.append(text);
        isTorn = false;
        bytes += text.length;
        lines += together.length;
        for (const { resolve } of together) resolve('new');
        if (lines >= foldAfter) await fold();
      } catch (error) {
        // They stay used: a site signs what it repeats anew. Those that are marked do not hear of it any more.
        for (const { reject } of together) reject(error);
      }
    }
    marking = null;
  };

  const mark = (signer: string, sequence: number): Promise<SequenceVerdict> =>
    new Promise((resolve, reject) => {
      waiting.push({ signer, sequence, resolve, reject });
      // Whatever else has arrived is read before.
      marking ??= new Promise<void>((begin) => setImmediate(begin)).then(markAll);
    });

  const text = await file.read();
  // A torn last line is of a request that was not heeded.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  for (const line of whole.split('\n').slice(0, -1)) {
    if (!LINE.test(line))
      throw new SyntaxError('Cannot read the used sequence numbers: a line of their file is damaged');
    const [signer, sequence] = line.split(' ') as [string, string];
    slide(signer, Number(sequence));
  }
  if (text !== '') await fold();

  return {
    async use(signer, sequence) {
      const verdict = slide(signer, sequence);
      return verdict === 'new' ? mark(signer, sequence) : verdict;
    },
    async least(signer) {
      return (windows.get(signer) ?? emptyWindow).start + WINDOW_SIZE;
    },
    async close() {
      await marking;
      if (lines > 0) await fold().catch(() => undefined);
      await file.close();
    },
  };
}
