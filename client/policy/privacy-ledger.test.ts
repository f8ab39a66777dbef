import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAppendFile } from '@wardround/shared/files/append-file.ts';
import { epsilonSpent } from '@wardround/shared/privacy/rdp.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DamagedStateError } from '../state/state-file.ts';
import { PrivacyBudgetError, projectedEpsilon } from './privacy-budget.ts';
import type { PrivacyCharge } from './privacy-charge.ts';
import { openPrivacyLedger, type PrivacyLedgerOptions } from './privacy-ledger.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardround-privacy-'));
});
afterEach(() => rm(folder, { recursive: true }));

const budget = { epsilon: 4, delta: 1e-5 };
const open = (options: Partial<PrivacyLedgerOptions> = {}) =>
  openPrivacyLedger(folder, { cohort: 'lung', budget, nowMillis: () => 1, ...options });
const ledgerPath = () => join(folder, 'privacy', 'lung.jsonl');
const markPath = () => join(folder, 'privacy', 'lung.high-water.json');

function round(number: number, changed: Partial<PrivacyCharge> = {}): PrivacyCharge {
  const release = number.toString(16).padStart(64, '0');
  const study = 'a'.repeat(64);
  return {
    study,
    stage: 'slices',
    round: number,
    release,
    noiseMultiplier: 1,
    samplingRate: 0.01,
    steps: 200,
    ...changed,
  };
}

async function chargeRounds(count: number): Promise<void> {
  const ledger = await open();
  for (let number = 1; number <= count; number += 1) await ledger.charge(round(number));
  await ledger.close();
}

describe('openPrivacyLedger()', () => {
  test('adds releases as the accountant does, and remembers them', async () => {
    const ledger = await open();
    expect(ledger.spent()).toBe(0);
    const first = await ledger.charge(round(1));
    expect(first).toBe(epsilonSpent([round(1)], budget));
    const other = { noiseMultiplier: 2, samplingRate: 0.02, steps: 50 };
    const both = await ledger.charge(round(2, other));
    expect(both).toBeCloseTo(epsilonSpent([round(1), other], budget), 12);
    // Less than the two epsilons together: that is why mechanisms are kept.
    expect(both).toBeLessThan(first + epsilonSpent([other], budget));
    await ledger.close();
    const again = await open();
    expect(again.spent()).toBe(both);
    expect(again.head()).toEqual(ledger.head());
    expect(again.projected([round(3)])).toBeGreaterThan(both);
    expect(again.spent()).toBe(both);
    await again.close();
  });

  test('refuses what exceeds the budget, naming budget, spent and asked, and charges nothing for it', async () => {
    const ledger = await open();
    const spent = await ledger.charge(round(1));
    const refused = ledger.charge(round(2, { noiseMultiplier: 0.3 }));
    await expect(refused).rejects.toThrow(PrivacyBudgetError);
    await expect(refused).rejects.toMatchObject({ budget: 4, spent });
    await expect(refused).rejects.toThrow(`an epsilon of 4, ${spent.toFixed(4)} is spent, and with this release`);
    expect(ledger.spent()).toBe(spent);
    expect(ledger.head().records).toBe(1);
    // What is affordable still is.
    await ledger.charge(round(3));
    await ledger.close();
  });

  test('charges two releases asked for at once one after the other, so that they cannot both take the last of a budget', async () => {
    const ledger = await open({ budget: { epsilon: 2.2, delta: 1e-5 } });
    const both = await Promise.allSettled([1, 2].map((number) => ledger.charge(round(number, { steps: 1000 }))));
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    await ledger.close();
  });

  test('charges the same release once, and no release for two mechanisms', async () => {
    const ledger = await open();
    const spent = await ledger.charge(round(1));
    expect(await ledger.charge(round(1))).toBe(spent);
    await expect(ledger.charge(round(1, { steps: 100 }))).rejects.toThrow('another steps');
    expect(ledger.head().records).toBe(1);
    await ledger.close();
  });

  test('keeps the budgets of cohorts apart, and lets no cohort name a path', async () => {
    await chargeRounds(2);
    const other = await open({ cohort: 'breast' });
    expect(other.spent()).toBe(0);
    await other.close();
    await expect(open({ cohort: '../lung' })).rejects.toThrow();
  });

  test('opens after a crash at every byte of the last record, with all that was acknowledged', async () => {
    await chargeRounds(2);
    const [two, mark] = [await readFile(ledgerPath(), 'utf8'), await readFile(markPath())];
    await chargeRounds(3);
    const three = await readFile(ledgerPath(), 'utf8');
    expect(three.startsWith(two)).toBe(true);
    for (let length = two.length; length <= three.length; length += 1) {
      await writeFile(ledgerPath(), three.slice(0, length));
      await writeFile(markPath(), mark);
      const ledger = await open();
      expect(ledger.head().records).toBe(length === three.length ? 3 : 2);
      await ledger.close();
    }
    // The whole record came before its mark: it counts, and the mark has followed.
    await writeFile(ledgerPath(), two);
    await expect(open()).rejects.toThrow('at least 3 records, found 2');
  });

  test('refuses a ledger whose end was cut off, also to nothing, or that is gone', async () => {
    await chargeRounds(3);
    const lines = (await readFile(ledgerPath(), 'utf8')).split('\n');
    for (const kept of [2, 1, 0]) {
      await writeFile(
        ledgerPath(),
        lines
          .slice(0, kept)
          .map((line) => `${line}\n`)
          .join(''),
      );
      await expect(open()).rejects.toThrow(DamagedStateError);
      await expect(open()).rejects.toThrow(`at least 3 records, found ${kept}`);
    }
    await rm(ledgerPath());
    await expect(open()).rejects.toThrow('count the budget as spent');
  });

  test('refuses a ledger put back from a backup and gone on with, and one without its mark', async () => {
    await chargeRounds(1);
    await copyFile(ledgerPath(), join(folder, 'backup'));
    await chargeRounds(3);
    const mark = await readFile(markPath());
    await copyFile(join(folder, 'backup'), ledgerPath());
    await rm(markPath());
    await expect(open()).rejects.toThrow('its high-water mark is missing');
    await writeFile(
      markPath(),
      JSON.stringify({ format: 'wardround-privacy-high-water/1', records: 0, hash: '0'.repeat(64) }),
    );
    const other = await open();
    for (const number of [7, 8, 9]) await other.charge(round(number));
    await other.close();
    await writeFile(markPath(), mark);
    await expect(open()).rejects.toThrow('record 3 is not the one that its high-water mark names');
  });

  test.each([
    [
      'edited',
      (lines: string[]) => [lines[0]!.replace('"steps":200', '"steps":100'), ...lines.slice(1)],
      'line 1 is edited',
    ],
    ['taken out', (lines: string[]) => lines.toSpliced(1, 1), 'line 2 is deleted'],
    ['moved', (lines: string[]) => [lines[0]!, lines[2]!, lines[1]!], 'line 2 is reordered'],
    ['made unreadable', (lines: string[]) => lines.with(1, '{'), 'line 2 is unreadable'],
  ])('refuses a ledger of which a record was %s', async (_, change, message) => {
    await chargeRounds(3);
    const lines = (await readFile(ledgerPath(), 'utf8')).trimEnd().split('\n');
    await writeFile(
      ledgerPath(),
      change(lines)
        .map((line) => `${line}\n`)
        .join(''),
    );
    await expect(open()).rejects.toThrow(message);
  });

  test('with the mark in another folder, notices that the whole of its own was put back', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'wardround-mark-'));
    const charge = async (number: number) => {
      const ledger = await open({ highWaterFolder: elsewhere });
      await ledger.charge(round(number));
      await ledger.close();
    };
    await charge(1);
    const backup = await readFile(ledgerPath());
    await charge(2);
    await writeFile(ledgerPath(), backup);
    await expect(open({ highWaterFolder: elsewhere })).rejects.toThrow('at least 2 records, found 1');
    await rm(elsewhere, { recursive: true });
  });

  test('charges nothing that could not be written, and goes on when there is room again', async () => {
    let isFull = false;
    const ledger = await open({
      openFile: async (path) => {
        const file = await openAppendFile(path);
        const append = async (text: string) => {
          if (!isFull) return file.append(text);
          await file.append(text.slice(0, 20));
          throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
        };
        return { ...file, append };
      },
    });
    const spent = await ledger.charge(round(1));
    isFull = true;
    await expect(ledger.charge(round(2))).rejects.toThrow('could not be written (ENOSPC)');
    expect(ledger.spent()).toBe(spent);
    isFull = false;
    await ledger.charge(round(2));
    await ledger.close();
    const again = await open();
    expect(again.head().records).toBe(2);
    await again.close();
  });

  test('after kill -9 in the middle of charging, holds at least what was acknowledged', async () => {
    const program = `
      import { openPrivacyLedger } from ${JSON.stringify(new URL('./privacy-ledger.ts', import.meta.url).href)};
      const ledger = await openPrivacyLedger(${JSON.stringify(folder)}, { cohort: 'lung', budget: { epsilon: 1000, delta: 1e-5 } });
      for (let round = 1; round < 10000; round += 1) {
        await ledger.charge({ study: 'a'.repeat(64), stage: 'slices', round, release: round.toString(16).padStart(64, '0'), noiseMultiplier: 2, samplingRate: 0.001, steps: 1 });
        console.log(round);
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (data: Buffer) => {
      said += data.toString();
      if (said.split('\n').length > 20) child.kill('SIGKILL');
    });
    await new Promise((resolve) => child.on('close', resolve));
    const acknowledged = said.split('\n').slice(0, -1).length;
    expect(acknowledged).toBeGreaterThanOrEqual(20);
    const ledger = await open({ budget: { epsilon: 1000, delta: 1e-5 } });
    expect(ledger.head().records).toBeGreaterThanOrEqual(acknowledged);
    expect(ledger.spent()).toBeGreaterThan(0);
    await ledger.close();
  });
});

describe('projectedEpsilon()', () => {
  test('is what a study costs by itself, and more after others', () => {
    const study = [{ noiseMultiplier: 1, samplingRate: 0.01, steps: 1000 }];
    const alone = projectedEpsilon(study, { delta: 1e-5 });
    expect(alone).toBeCloseTo(2.101365, 5);
    expect(projectedEpsilon(study, { delta: 1e-5, before: study })).toBeGreaterThan(alone);
    expect(projectedEpsilon([], { delta: 1e-5 })).toBe(0);
  });
});
