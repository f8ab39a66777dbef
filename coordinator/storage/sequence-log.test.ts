import { appendFile, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type AppendFile, openAppendFile } from '@wardround/shared/files/append-file.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { describeOnEachDatabase } from '../testing/describe-on-each-database.ts';
import { openSequenceLog } from './sequence-log.ts';
import { createSequenceWindows } from './sequence-windows.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sequences-'));
});
afterEach(() => rm(folder, { recursive: true }));

describeOnEachDatabase('openSequenceLog()', (place) => {
  const at = (name = 'used') => path.join(folder, name);

  test('takes each number once, also after a kill, from what was on the disk then', async () => {
    const database = await place.open();
    const log = await openSequenceLog(database, { file: await openAppendFile(at()) });
    expect(await Promise.all([log.use('k1', 7), log.use('k2', 7), log.use('k1', 9), log.use('k1', 7)])).toEqual([
      'new',
      'new',
      'new',
      'repeated',
    ]);
    // Killed: nothing was closed.
    await copyFile(at(), at('killed'));
    await appendFile(at('killed'), 'k1 1');
    const again = await openSequenceLog(database, { file: await openAppendFile(at('killed')) });
    expect(await readFile(at('killed'), 'utf8')).toBe('');
    expect(await again.use('k1', 7)).toBe('repeated');
    expect(await again.use('k1', 9)).toBe('repeated');
    expect(await again.use('k1', 1)).toBe('new');
    expect(await again.use('k1', 9 + 1024)).toBe('new');
    expect(await again.use('k1', 8)).toBe('too-old');
    expect(await again.least('k1')).toBe(9 + 1024 + 1);
    expect(await again.least('k3')).toBe(1024);
    await again.close();
    await log.close();
  });

  test('leaves in the database what replicas go on from', async () => {
    const database = await place.open();
    const log = await openSequenceLog(database, { file: await openAppendFile(at()) });
    await log.use('k', 5);
    await log.close();
    const shared = createSequenceWindows(database);
    expect(await shared.use('k', 5)).toBe('repeated');
    expect(await shared.use('k', 6)).toBe('new');
    const again = await openSequenceLog(database, { file: await openAppendFile(at()) });
    expect(await again.use('k', 6)).toBe('repeated');
    await again.close();
  });

  test('says what windows in the database say, folded again and again, opened again in between', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = createRandom(`sequences/${seed}`);
    const exact = createSequenceWindows(await place.open());
    const path = at();
    const database = await place.open();
    // Other signers: both have the same table.
    const open = async () => openSequenceLog(database, { file: await openAppendFile(path), foldAfter: 10 });
    let log = await open();
    for (let index = 0; index < 150; index++) {
      const sequence = Math.max(0, 20 * index + random.int(3000) - 1500);
      const signer = `s${random.int(2)}`;
      expect(await log.use(signer, sequence), `seed ${seed}`).toBe(await exact.use(`exact-${signer}`, sequence));
      if (index % 40 === 39) {
        await log.close();
        log = await open();
      }
    }
    await log.close();
  });

  test('marks together what comes together, and goes on behind an append that failed half-way', async () => {
    const real = await openAppendFile(at());
    const appended: string[] = [];
    let isFull = false;
    const file: AppendFile = {
      ...real,
      async append(text) {
        appended.push(text);
        await real.append(isFull ? text.slice(0, 3) : text);
        if (isFull) throw new Error('ENOSPC');
      },
    };
    const database = await place.open();
    const log = await openSequenceLog(database, { file });
    await Promise.all([log.use('a', 1), log.use('b', 1)]);
    expect(appended).toEqual(['a 1\nb 1\n']);
    isFull = true;
    await expect(log.use('a', 2)).rejects.toThrow('ENOSPC');
    isFull = false;
    expect(await log.use('a', 3)).toBe('new');
    expect(await readFile(at(), 'utf8')).toBe('a 1\nb 1\na 3\n');
    await expect(log.use('a', 0.5)).rejects.toThrow(RangeError);
    await log.close();
  });

  test('refuses a file whose lines are damaged', async () => {
    await writeFile(at(), 'a 1\n?? 2\na 3\n');
    const file = await openAppendFile(at());
    await expect(openSequenceLog(await place.open(), { file })).rejects.toThrow(SyntaxError);
    await file.close();
  });
});
