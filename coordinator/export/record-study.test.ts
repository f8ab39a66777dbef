import { applyEvent } from '@wardround/protocols/round/apply-event.ts';
import { StudyEvent } from '@wardround/protocols/round/events.ts';
import type { StudyState } from '@wardround/protocols/round/state.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { describe, expect, test } from 'vitest';
import { buildReport } from './build-report.ts';
import { examplePlan, exampleRecord } from './example-record.ts';
import { recordStudy } from './record-study.ts';

const plan = { ...examplePlan, stages: [{ ...examplePlan.stages[0]!, rounds: 2 }] };
const hash = (name: string) => sha256Hex(name);
const [northgate, riverside, olaf] = exampleRecord.sites;
const readiness = ({ inventory, quarantine, engine }: (typeof exampleRecord.sites)[number]) => ({
  inventory,
  quarantine,
  engine,
});
const figures = { loss: 2.5, steps: 12, samples: 192, seconds: 9 };
const inRound = (round: number) => ({ stage: 0, round });
const accepted = (site: string, round: number) => ({
  kind: 'update-accepted',
  ...inRound(round),
  site,
  blob: hash(`${site} ${round}`),
  figures,
  bytes: 1000 + round,
});

const events = [
  {
    kind: 'study-launched',
    study: hash('plan'),
    name: plan.name,
    planBlob: hash('plan blob'),
    rules: {
      quorum: 2,
      readyWindowMillis: 1000,
      roundWindowMillis: 1000,
      evaluationWindowMillis: 1000,
      stages: [{ name: 'pretraining', kind: 'slice-pretraining', rounds: 2 }],
    },
    sites: ['northgate', 'riverside', 'st-olaf', 'lakeside', 'hillcrest'],
    deadlineMillis: 1000,
  },
  { kind: 'site-ready', site: 'northgate', ready: readiness(northgate!) },
  { kind: 'site-ready', site: 'riverside', ready: readiness(riverside!) },
  { kind: 'site-ready', site: 'st-olaf', ready: readiness(olaf!) },
  { kind: 'site-declined', site: 'lakeside', reason: 'not-approved' },
  { kind: 'study-started' },
  { kind: 'stage-started', stage: 0, layout: hash('layout'), model: hash('model 0') },
  {
    kind: 'round-opened',
    ...inRound(1),
    model: hash('model 0'),
    sites: ['northgate', 'riverside', 'st-olaf'],
    deadlineMillis: 9000,
  },
  accepted('riverside', 1),
  accepted('northgate', 1),
  { kind: 'site-left-out', ...inRound(1), site: 'st-olaf', reason: 'late' },
  { kind: 'round-closed', ...inRound(1) },
  {
    kind: 'round-committed',
    ...inRound(1),
    participants: ['northgate', 'riverside'],
    model: hash('model 1'),
    optimiserState: null,
  },
  {
    kind: 'round-opened',
    ...inRound(2),
    model: hash('model 1'),
    sites: ['northgate', 'riverside'],
    deadlineMillis: 9000,
  },
  accepted('northgate', 2),
];

const fold = (list: readonly object[]): StudyState =>
  list
    .map((event, index) => StudyEvent.parse({ atMillis: 1000 * index, ...event }))
    .reduce<StudyState | null>(applyEvent, null)!;

describe('recordStudy()', () => {
  test('records committed rounds with who was in them, and not the open one', () => {
    const record = recordStudy(fold(events), plan);
    expect(record.state).toBe('running');
    expect(record.stages[0]).toMatchObject({ initial: hash('model 0'), final: null });
    expect(record.stages[0]!.rounds).toHaveLength(1);
    expect(record.stages[0]!.rounds[0]).toEqual({
      round: 1,
      startedMillis: 7000,
      endedMillis: 12_000,
      participants: [
        { site: 'northgate', figures, bytesSent: 1001 },
        { site: 'riverside', figures, bytesSent: 1001 },
      ],
      leftOut: [{ site: 'st-olaf', reason: 'late' }],
      trained: [
        { site: 'northgate', steps: 12 },
        { site: 'riverside', steps: 12 },
      ],
      model: hash('model 1'),
      failure: null,
    });
  });

  test('names the sites that never answered or declined, and counts those that were ready', () => {
    const record = recordStudy(fold(events), plan);
    expect(record.absent).toEqual([
      { site: 'hillcrest', reason: 'no-answer' },
      { site: 'lakeside', reason: 'not-approved' },
    ]);
    expect(record.sites.map(({ site }) => site)).toEqual(['northgate', 'riverside', 'st-olaf']);
  });

  test('gives a stage its final weights when its last round is committed', () => {
    const finished = fold([
      ...events,
      accepted('riverside', 2),
      { kind: 'round-closed', ...inRound(2) },
      {
        kind: 'round-committed',
        ...inRound(2),
        participants: ['northgate', 'riverside'],
        model: hash('model 2'),
        optimiserState: null,
      },
    ]);
    expect(recordStudy(finished, plan).stages[0]!.final).toBe(hash('model 2'));
  });

  test('keeps the round that ended a failed study, with the weights it started from', () => {
    const failed = fold([
      ...events,
      { kind: 'site-left-out', ...inRound(2), site: 'riverside', reason: 'late' },
      { kind: 'round-failed', ...inRound(2), reason: 'quorum-not-met' },
      { kind: 'study-failed', reason: 'quorum-not-met' },
    ]);
    const record = recordStudy(failed, plan);
    expect(record).toMatchObject({ state: 'failed', failure: 'quorum-not-met', endedMillis: 17_000 });
    expect(record.stages[0]).toMatchObject({ final: null });
    expect(record.stages[0]!.rounds[1]).toMatchObject({
      participants: [],
      model: hash('model 1'),
      failure: 'quorum-not-met',
    });
    // And it is something a report can be made of.
    expect(buildReport(record, { wardround: '0.1.0', node: 'v24.0.0' }).study.failure).toBe('quorum-not-met');
  });
});
