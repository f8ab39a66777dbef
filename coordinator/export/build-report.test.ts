import { epsilonSpent } from '@wardround/shared/privacy/rdp.ts';
import { describe, expect, test } from 'vitest';
import { buildReport } from './build-report.ts';
import { exampleRecord } from './example-record.ts';
import { Report } from './report-schema.ts';

const versions = { wardround: '0.1.0', node: 'v24.0.0' };
const report = buildReport(exampleRecord, versions);

describe('buildReport()', () => {
  test('gives a report that survives JSON and its own schema', () => {
    expect(Report.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
  });

  test('names every site in a round, either as participant or as left out with its reason', () => {
    const second = report.stages[0]!.rounds[1]!;
    expect(second.participants).toEqual(['northgate', 'riverside']);
    expect(second.leftOut).toEqual([{ site: 'st-olaf', reason: 'late' }]);
    expect(Object.keys(second.loss)).toEqual(['northgate', 'riverside']);
    expect(second.bytesSent['northgate']).toBe(22_110_464);
    expect(second.seconds).toBeCloseTo(20, 9);
  });

  test('weighs the federation by held-out patients and counts only the sites that measured', () => {
    const sex = report.comparison.find(
      (row) => row.task === 'sex' && row.protocol === 'linear-probe' && row.representation === 'slices',
    )!;
    // Site means 0.53, 0.55, 0.57 with 31, 24 and 18 patients.
    expect(sex.random!.mean).toBeCloseTo((31 * 0.53 + 24 * 0.55 + 18 * 0.57) / 73, 12);
    expect(sex.patients).toBe(73);
    expect(sex.gainOverRandom!.mean).toBeCloseTo(0.22, 12);
    expect(sex.gainExceedsTwoErrors).toBe(true);

    const egfr = report.comparison.find(
      (row) => row.task === 'egfr' && row.k === 1 && row.representation === 'slices',
    )!;
    expect(egfr.patients).toBe(55);
    expect(egfr.sites).toEqual(['northgate', 'riverside']);
    expect(egfr.gainExceedsTwoErrors).toBe(false);
  });

  test('has one federated and one random row per measurement and one row per site trained alone', () => {
    const linearProbe = report.evaluation.filter(
      ({ task, protocol, representation }) =>
        task === 'sex' && protocol === 'linear-probe' && representation === 'slices',
    );
    expect(linearProbe.map(({ encoder }) => encoder)).toEqual([
      'random',
      'federated',
      'site:northgate',
      'site:riverside',
      'site:st-olaf',
    ]);
    expect(linearProbe[0]!.gainOverRandom).toBeNull();
  });

  test('combines retrieval with its chance level over the sites that have the pair', () => {
    const row = report.retrieval.find(({ pair, encoder }) => pair === 'ct-expression' && encoder === 'federated')!;
    expect(row.patients).toBe(55);
    expect(row.chanceAt5).toBeCloseTo(10 / 55, 12);
  });

  test('passes counts and reasons through', () => {
    expect(report.quarantine['northgate']).toEqual({ 'no-pixel-data': 2, 'not-dicom': 3, 'not-axial': 0 });
    expect(report.data['st-olaf']!.expression).toBe(0);
    expect(report.skipped).toEqual([{ site: 'st-olaf', task: 'egfr', reason: 'too-few-patients' }]);
    expect(report.study.absent).toEqual([{ site: 'lakeside', reason: 'not-approved' }]);
  });

  test('reports a study that failed before any round', () => {
    const failed = buildReport(
      { ...exampleRecord, state: 'failed', failure: 'quorum-not-reached', stages: [], evaluations: [], sites: [] },
      versions,
    );
    expect(failed.study.failure).toBe('quorum-not-reached');
    expect(failed.overall).toEqual([]);
  });

  test('shows what each hospital’s patients have spent by stage, of what is planned', () => {
    const privacy = {
      unit: 'patient',
      noiseMultiplier: 1.5,
      clip: 1,
      samplingRate: 0.04,
      groups: 8,
      slicesPerPatient: 4,
      delta: 1e-5,
    } as const;
    const plan = {
      ...exampleRecord.plan,
      stages: exampleRecord.plan.stages.slice(0, 1),
      protection: { ...exampleRecord.plan.protection, privacy },
    };
    const [stage] = exampleRecord.stages as [(typeof exampleRecord.stages)[number]];
    // A hospital that trained and whose update came too late has spent for it all the same.
    const trained = [
      { site: 'northgate', steps: 750 },
      { site: 'riverside', steps: 12 },
    ];
    const rounds = stage.rounds.slice(0, 3).map((round) => ({ ...round, trained }));
    const made = buildReport({ ...exampleRecord, plan, stages: [{ ...stage, rounds }] }, versions);
    const { spent, projectedEpsilon, delta } = made.protection.privacy!;
    expect(delta).toBe(1e-5);
    // Opacus' own reference: 2,250 steps in all at this noise and rate.
    expect(spent[0]).toMatchObject({ site: 'northgate', stage: 'pretraining', rounds: 3 });
    expect(spent[0]!.epsilon).toBeCloseTo(7.32911117143, 6);
    expect(spent[1]!.epsilon).toBeLessThan(spent[0]!.epsilon);
    // Four rounds of twelve steps each.
    expect(projectedEpsilon).toBeCloseTo(
      epsilonSpent([{ noiseMultiplier: 1.5, samplingRate: 0.04, steps: 48 }], { delta }),
      12,
    );
    expect(report.protection.privacy).toBeUndefined();
  });

  test('passes on the heads of all ledgers, where there are any', () => {
    expect(report.ledgers?.coordinatorLog.cosignatures).toBe(3);
    expect(report.ledgers?.sites.map(({ site, privacy }) => [site, privacy?.records ?? null])).toEqual([
      ['northgate', 3],
      ['riverside', null],
      ['st-olaf', null],
    ]);
    expect(buildReport({ ...exampleRecord, ledgers: null }, versions)).not.toHaveProperty('ledgers');
  });
});
