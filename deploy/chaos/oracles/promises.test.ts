/** The checks themselves: each passes what is right and throws for what breaks its promise. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { egressLedgerPath } from '@wardround/client/audit/audit-files.ts';
import type { StudyState } from '@wardround/protocols/round/state.ts';
import { int32FromBytes } from '@wardround/shared/bytes/little-endian.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SessionWord } from '../consortium/evidence.ts';
import { oneHotVector } from '../consortium/one-hot.ts';
import type { TraceLine } from '../consortium/one-hot-trainer.ts';
import type { Consortium } from '../consortium/start-consortium.ts';
import {
  assertAcknowledgedIsDurable,
  assertAuditVerifies,
  assertNoPlaintextOnDisk,
  assertRoundEnds,
  assertSameModelEverywhere,
  assertSecondRevealNever,
  assertSumIsSurvivors,
  watchLedgers,
} from './promises.ts';

const names = ['site-00', 'site-01', 'site-02'];
const place = { study: 's', stage: 'slices', round: 1, attempt: 1 } as const;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'oracles-'));
  await mkdir(path.join(folder, 'coordinator'));
});
afterEach(() => rm(folder, { recursive: true }));

function consortium(seen: {
  said?: SessionWord[];
  acknowledged?: SessionWord[];
  traces?: readonly (readonly TraceLine[])[];
}): Consortium {
  const { said = [], acknowledged = [], traces = [] } = seen;
  return {
    coordinatorFolder: path.join(folder, 'coordinator'),
    coordinatorLog: path.join(folder, 'coordinator.log'),
    evidence: { said, acknowledged },
    sites: names.map((site, position) => ({
      site,
      folder: path.join(folder, site),
      trace: async () => traces[position] ?? [],
    })),
  } as unknown as Consortium;
}

function study(
  change: { messages?: object; outcome?: object | null; participants?: readonly string[] } = {},
): StudyState {
  const { messages = {}, participants = names } = change;
  const outcome = { kind: 'committed', model: 'm', sum: 'h', participants };
  const round = {
    round: 1,
    session: { attempt: 1, steps: { unmask: { messages } } },
    outcome: change.outcome === undefined ? outcome : change.outcome,
  };
  return {
    study: 's',
    name: 'pilot',
    phase: { kind: 'finished' },
    endedAtMillis: 1,
    stages: [{ name: 'slices', model: 'm', rounds: [round] }],
    evaluation: { reports: { 'site-00': {} } },
  } as unknown as StudyState;
}

const word = (body: string, change: Partial<SessionWord> = {}): SessionWord =>
  ({ site: 'site-00', step: 'unmask', body, ...place, ...change }) as SessionWord;

function sumOf(...positions: readonly number[]): TraceLine {
  const vectors = positions.map((position) => int32FromBytes(oneHotVector({ position, of: 3, round: 1 })));
  const words = [...vectors[0]!].map((_, index) => vectors.reduce((sum, vector) => sum + vector[index]!, 0));
  return { kind: 'sum', hash: 'h', words };
}

describe('the checks of promises', () => {
  test('P1: an acknowledged message that is lost or another one', () => {
    const seen = consortium({ acknowledged: [word('a')] });
    assertAcknowledgedIsDurable(seen, study({ messages: { 'site-00': { body: 'a' } } }));
    expect(() => assertAcknowledgedIsDurable(seen, study())).toThrow('P1');
    expect(() => assertAcknowledgedIsDurable(seen, study({ messages: { 'site-00': { body: 'b' } } }))).toThrow('P1');
  });

  test('P2: a sum with an update twice, or of other sites than are named', async () => {
    await assertSumIsSurvivors(consortium({ traces: [[sumOf(0, 1, 2)]] }), study());
    await expect(assertSumIsSurvivors(consortium({ traces: [[sumOf(0, 1, 1)]] }), study())).rejects.toThrow('holds 2');
    await expect(assertSumIsSurvivors(consortium({ traces: [[sumOf(0, 1)]] }), study())).rejects.toThrow('P2');
  });

  test('P4: a second reveal, of other shares or in another attempt', () => {
    assertSecondRevealNever(consortium({ said: [word('a'), word('a'), word('b', { round: 2 })] }));
    expect(() => assertSecondRevealNever(consortium({ said: [word('a'), word('b')] }))).toThrow('P4');
    expect(() => assertSecondRevealNever(consortium({ said: [word('a'), word('a', { attempt: 2 })] }))).toThrow('P4');
  });

  test('P5: a round without an outcome in a finished study', () => {
    assertRoundEnds(study());
    expect(() => assertRoundEnds(study({ outcome: null }))).toThrow('P5');
    expect(() => assertRoundEnds({ ...study(), endedAtMillis: null })).toThrow('P5');
  });

  test('P6: a ledger that lost or changed a record', async () => {
    const seen = consortium({});
    const ledger = egressLedgerPath(seen.sites[0]!.folder);
    await mkdir(path.dirname(ledger), { recursive: true });
    const assertLedgerMonotone = watchLedgers(seen);
    await writeFile(ledger, 'one\ntwo\n');
    await assertLedgerMonotone();
    await writeFile(ledger, 'one\ntwo\nthree\n');
    await assertLedgerMonotone();
    await writeFile(ledger, 'one\ntwo\n');
    await expect(assertLedgerMonotone()).rejects.toThrow('P6');
  });

  test('P7: a coordinator without the keys that its log is signed with', async () => {
    await expect(assertAuditVerifies(consortium({}))).rejects.toThrow('P7');
  });

  test('P8: an update in a file or, as text, in the log', async () => {
    const seen = consortium({});
    const update = Buffer.from(oneHotVector({ position: 2, of: 3, round: 1 }));
    await assertNoPlaintextOnDisk(seen, study());
    await writeFile(seen.coordinatorLog, `{"vector":"${update.toString('base64url')}"}`);
    await expect(assertNoPlaintextOnDisk(seen, study())).rejects.toThrow('P8: coordinator.log');
    await rm(seen.coordinatorLog);
    await writeFile(path.join(seen.coordinatorFolder, 'upload'), Buffer.concat([Buffer.from('x'), update]));
    await expect(assertNoPlaintextOnDisk(seen, study())).rejects.toThrow('P8: upload');
  });

  test('P9: other weights at a site that has evaluated', async () => {
    const evaluated = (model: string): TraceLine => ({ kind: 'evaluated', study: 'pilot', models: { slices: model } });
    await assertSameModelEverywhere(consortium({ traces: [[evaluated('m')]] }), study());
    await expect(assertSameModelEverywhere(consortium({ traces: [[evaluated('n')]] }), study())).rejects.toThrow('P9');
    await expect(assertSameModelEverywhere(consortium({}), study())).rejects.toThrow('P9');
  });
});
