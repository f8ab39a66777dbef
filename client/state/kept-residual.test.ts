import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Sha256Hex, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  acknowledgeResidual,
  forgetResiduals,
  proposeResidual,
  readResidual,
  settleResidual,
  writeResidual,
} from './kept-residual.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardround-residual-'));
});
afterEach(() => rm(folder, { recursive: true }));

const study = sha256Hex('study');
const model = (number: number) => sha256Hex(`model ${number}`);
const roundOf = (round: number, start = round) => ({ study, stage: 'slices', round, model: model(start) });
const settle = (round: ReturnType<typeof roundOf>, takenUp = false) =>
  settleResidual(folder, round, { isTakenUp: async () => takenUp });
const propose = async (round: ReturnType<typeof roundOf>): Promise<Sha256Hex> => {
  const { path } = await settle(round);
  const residual = await writeResidual(path, Float32Array.of(round.round, 0.5));
  await proposeResidual(folder, { ...round, residual });
  return residual;
};

describe('settleResidual()', () => {
  test('gives nothing before the first round', async () => {
    expect((await settle(roundOf(1))).carried).toBeNull();
  });

  test('carries what an acknowledged update left out once the weights have moved', async () => {
    const residual = await propose(roundOf(1));
    await acknowledgeResidual(folder, roundOf(1));
    const { path, carried } = await settle(roundOf(2));
    expect(carried).toBe(residual);
    const bytes = await readFile(join(path, residual));
    expect([...new Float32Array(new Uint8Array(bytes).buffer)]).toEqual([1, 0.5]);
    // Once decided it stays so, however often it is asked.
    expect((await settle(roundOf(3))).carried).toBe(residual);
  });

  test('asks the session where nothing was acknowledged', async () => {
    const residual = await propose(roundOf(1));
    expect((await settle(roundOf(2), true)).carried).toBe(residual);
  });

  test.each([
    ['was not taken up', roundOf(3), false],
    ['is trained again', roundOf(2), true],
    ['left the weights as they were, because its round was skipped or rolled back', roundOf(3, 2), true],
  ])('goes back to the residual before where the update %s', async (_, next, takenUp) => {
    const first = await propose(roundOf(1));
    await acknowledgeResidual(folder, roundOf(1));
    const { path } = await settle(roundOf(2));
    const second = await writeResidual(path, Float32Array.of(2, 2));
    await proposeResidual(folder, { ...roundOf(2), residual: second });
    expect((await settle(next, takenUp)).carried).toBe(first);
    expect((await readdir(path)).toSorted()).toEqual([first, 'residual.json'].toSorted());
    expect((await settle(roundOf(9), true)).carried).toBe(first);
  });

  test('does not take an acknowledgement of another round for its own', async () => {
    await propose(roundOf(2));
    await acknowledgeResidual(folder, roundOf(1));
    expect((await settle(roundOf(3))).carried).toBeNull();
  });
});

describe('forgetResiduals()', () => {
  test('removes those of the study but of the stage that is still trained', async () => {
    const other = { ...roundOf(1), study: sha256Hex('another study') };
    for (const round of [roundOf(1), { ...roundOf(1), stage: 'alignment' }, other]) await propose(round);
    await forgetResiduals(folder, { study, but: 'alignment' });
    expect(await readdir(join(folder, 'residuals'))).toHaveLength(2);
    await forgetResiduals(folder, { study, but: null });
    expect(await readdir(join(folder, 'residuals'))).toEqual([`${other.study}-slices`]);
  });

  test('does nothing where there are none', async () => {
    await expect(forgetResiduals(folder, { study, but: null })).resolves.toBeUndefined();
  });
});

describe('readResidual()', () => {
  test('gives what was written, as an array of its own', async () => {
    const { path } = await settle(roundOf(1));
    const carried = await writeResidual(path, Float32Array.of(1, -2, 0.5));
    const read = await readResidual({ path, carried }, 3);
    expect([...read]).toEqual([1, -2, 0.5]);
    read.fill(7);
    expect([...(await readResidual({ path, carried }, 3))]).toEqual([1, -2, 0.5]);
  });

  test('gives zeros where there is none, and where it is damaged, missing or of another model', async () => {
    const { path } = await settle(roundOf(1));
    const carried = await writeResidual(path, Float32Array.of(1, -2, 0.5));
    const zeros = [0, 0, 0];
    expect([...(await readResidual({ path, carried: null }, 3))]).toEqual(zeros);
    expect([...(await readResidual({ path, carried }, 4))]).toEqual([...zeros, 0]);
    await writeFile(join(path, carried), new Uint8Array(12).fill(3));
    expect([...(await readResidual({ path, carried }, 3))]).toEqual(zeros);
    await rm(join(path, carried));
    expect([...(await readResidual({ path, carried }, 3))]).toEqual(zeros);
  });
});
