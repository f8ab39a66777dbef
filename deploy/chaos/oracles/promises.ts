/** The coordinator's and the sites' promises, as checks of a consortium after or between faults. Each throws what was broken. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { egressLedgerPath } from '@wardround/client/audit/audit-files.ts';
import { logFile } from '@wardround/coordinator/audit/audit-folder.ts';
import { checkpointFolder } from '@wardround/coordinator/audit/checkpoint-folder.ts';
import { readIdentity } from '@wardround/coordinator/storage/identity-file.ts';
import { stateFolder } from '@wardround/coordinator/storage/state-folder.ts';
import { verifyLog } from '@wardround/protocols/audit/verify-log.ts';
import type { RoundState, StudyState } from '@wardround/protocols/round/state.ts';
import { fingerprint, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { oneHotVector, sitesInSum } from '../consortium/one-hot.ts';
import type { Consortium } from '../consortium/start-consortium.ts';

/** P1: what the coordinator acknowledged is in the study's state, which is the fold of its journal. */
export function assertAcknowledgedIsDurable({ evidence }: Consortium, state: StudyState): void {
  for (const { site, study, stage, round, attempt, step, body } of evidence.acknowledged) {
    if (study !== state.study) continue;
    const session = state.stages.find(({ name }) => name === stage)?.rounds[round - 1]?.session;
    assert(session !== undefined, `P1: ${site} was acknowledged in round ${round}, which is not there`);
    assert(session.attempt >= attempt, `P1: ${site} was acknowledged in attempt ${attempt}, which is not there`);
    if (session.attempt > attempt) continue;
    const known = session.steps[step as keyof typeof session.steps]?.messages[site]?.body;
    assert.equal(known, body, `P1: the ${step} of ${site} in round ${round} was acknowledged and is lost`);
  }
}

/** P2: every published sum that a site was given holds each survivor's update once, and nothing else. */
export async function assertSumIsSurvivors({ sites }: Consortium, state: StudyState): Promise<void> {
  const committed = committedRounds(state);
  for (const site of sites) {
    for (const line of await site.trace()) {
      if (line.kind !== 'sum') continue;
      const round = committed.find(({ outcome }) => outcome.sum === line.hash);
      // A site keeps one trace over all its studies.
      if (round === undefined) continue;
      const positions = sitesInSum(Int32Array.from(line.words), { of: sites.length, round: round.round });
      const names = positions.map((position) => sites[position]?.site);
      assert.deepEqual(names, round.outcome.participants, `P2: the sum of round ${round.round} is of other sites`);
    }
  }
}

/** P4: no site has ever said two things where shares are revealed, nor in two attempts of a round. */
export function assertSecondRevealNever({ evidence }: Consortium): void {
  const revealed = new Map<string, string>();
  for (const { site, study, stage, round, attempt, step, body } of evidence.said) {
    if (step !== 'unmask') continue;
    const place = `${site} ${study} ${stage} ${round}`;
    const said = `${attempt} ${body}`;
    assert.equal(revealed.get(place) ?? said, said, `P4: ${site} has revealed twice in round ${round}`);
    revealed.set(place, said);
  }
}

/** P5: the study has come to an end, and every one of its rounds with it. */
export function assertRoundEnds(state: StudyState): void {
  assert(state.endedAtMillis !== null, 'P5: the study has not ended');
  for (const { name, rounds } of state.stages) {
    // A study that was stopped or failed leaves its last round as it was.
    const mustEnd = state.phase.kind === 'finished' ? rounds : rounds.slice(0, -1);
    for (const { round, outcome } of mustEnd) assert(outcome !== null, `P5: round ${round} of ${name} has no outcome`);
  }
}

/** P6: a site's ledger only grows. Call it as often as there is something to see. */
export function watchLedgers({ sites }: Pick<Consortium, 'sites'>): () => Promise<void> {
  const seen = new Map<string, string>();
  return async function assertLedgerMonotone() {
    for (const { site, folder } of sites) {
      const text = await readFile(egressLedgerPath(folder), 'utf8').catch(() => '');
      const whole = text.slice(0, text.lastIndexOf('\n') + 1);
      assert(whole.startsWith(seen.get(site) ?? ''), `P6: the egress ledger of ${site} lost or changed records`);
      seen.set(site, whole);
    }
  };
}

/** P7: the audit log is whole, and its checkpoints are of it. */
export async function assertAuditVerifies({ coordinatorFolder }: Pick<Consortium, 'coordinatorFolder'>): Promise<void> {
  const folder = stateFolder(coordinatorFolder);
  const identity = await readIdentity(folder.identity);
  assert(identity !== null, 'P7: the coordinator has no keys');
  const keys = publicKeys(identity);
  const checkpoints = await checkpointFolder(folder.audit).notes();
  const text = await readFile(logFile(folder.audit), 'utf8');
  const log = { fingerprint: fingerprint(keys), signingKey: keys.signingKey };
  const finding = verifyLog(text.split('\n').slice(0, -1), { log, checkpoints });
  assert(finding.ok, `P7: ${finding.ok ? '' : finding.fault.sentence}`);
}

/** P8: no site's own update lies anywhere in the coordinator's folder or log. */
export async function assertNoPlaintextOnDisk(consortium: Consortium, state: StudyState): Promise<void> {
  const { sites, coordinatorFolder, coordinatorLog } = consortium;
  const rounds = Math.max(0, ...state.stages.map(({ rounds: begun }) => begun.length));
  const updates = sites.flatMap((_, position) =>
    Array.from({ length: rounds }, (_round, index) =>
      Buffer.from(oneHotVector({ position, of: sites.length, round: index + 1 })),
    ),
  );
  for (const file of [...(await filesIn(coordinatorFolder)), coordinatorLog]) {
    const bytes = await readFile(file).catch(() => Buffer.alloc(0));
    for (const update of updates) {
      const isThere = bytes.includes(update) || bytes.includes(update.toString('base64url'));
      assert(!isThere, `P8: ${path.basename(file)} holds an update as it was trained`);
    }
  }
}

/** P9: every site that followed to the end has the coordinator's weights. */
export async function assertSameModelEverywhere(
  { sites }: Pick<Consortium, 'sites'>,
  state: StudyState,
): Promise<void> {
  if (state.phase.kind !== 'finished') return;
  for (const { site, trace } of sites) {
    if (state.evaluation?.reports[site] === undefined) continue;
    // What it keeps of a study that is over is gone; what it evaluated is written down.
    const evaluated = (await trace()).findLast((line) => line.kind === 'evaluated' && line.study === state.name);
    const models = evaluated?.kind === 'evaluated' ? evaluated.models : {};
    for (const { name, model } of state.stages) {
      assert.equal(models[name], model, `P9: ${site} has other weights after ${name}`);
    }
  }
}

/** All of them at once, after a study; P3 is part of P2 and P9: what sites were given is whole and follows from the sums. */
export async function assertPromises(consortium: Consortium, state: StudyState): Promise<void> {
  assertAcknowledgedIsDurable(consortium, state);
  await assertSumIsSurvivors(consortium, state);
  assertSecondRevealNever(consortium);
  assertRoundEnds(state);
  await assertAuditVerifies(consortium);
  await assertNoPlaintextOnDisk(consortium, state);
  await assertSameModelEverywhere(consortium, state);
}

/** The hashes of all weights that the study has published at the ends of its rounds. */
export function modelsOf(state: StudyState): string[] {
  return committedRounds(state).map(({ outcome }) => outcome.model);
}

type Committed = Extract<NonNullable<RoundState['outcome']>, { kind: 'committed' }>;

function committedRounds({ stages }: StudyState): { readonly round: number; readonly outcome: Committed }[] {
  return stages.flatMap(({ rounds }) =>
    rounds.flatMap(({ round, outcome }) => (outcome?.kind === 'committed' ? [{ round, outcome }] : [])),
  );
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}
