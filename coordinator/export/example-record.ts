/**
 * A finished study in which everything that can happen did: a site that declined, a late site, an update that was refused,
 * bad files, a task that was too small to report. Written by hand for tests and for looking at the report; its figures are
 * made up, from formulas that give the same numbers every time.
 */
import type { EvaluationReport, EvaluationResult } from '@wardround/protocols/session/messages.ts';
import { planHash, StudyPlan } from '@wardround/protocols/study/plan.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { ParticipantRecord, RoundRecord, StudyRecord } from './study-record.ts';

const launchedMillis = Date.UTC(2026, 10, 3, 9, 30);

export const examplePlan = StudyPlan.parse({
  format: 'wardround-study/1',
  name: 'thorax-three',
  description: 'Three hospitals pretrain a slice encoder on chest CT and align it with clinical and expression data.',
  seed: 11,
  imaging: { sizePixels: 64, windowHounsfield: { low: -1000, high: 400 }, maximumSlicesPerPatient: 16 },
  clinical: { fields: 'auto' },
  expression: { genes: ['ALK', 'EGFR', 'KRAS', 'TP53'] },
  encoders: {
    slice: { architecture: 'vit_tiny_patch16', projectionWidth: 128 },
    pooling: { architecture: 'gated-attention', width: 128, attentionWidth: 64 },
    clinical: { architecture: 'mlp', hiddenWidth: 64 },
    expression: { architecture: 'mlp', hiddenWidth: 64 },
  },
  stages: [
    {
      kind: 'slice-pretraining',
      objective: 'simclr',
      name: 'pretraining',
      rounds: 4,
      localEpochs: 1,
      maximumLocalSteps: 12,
      batch: 16,
      temperature: 0.1,
      optimiser: { learningRate: 0.0005 },
    },
    {
      kind: 'alignment',
      objective: 'info-nce',
      embeddingWidth: 64,
      name: 'alignment',
      rounds: 5,
      localEpochs: 3,
      batch: 32,
      temperature: 0.1,
      optimiser: { learningRate: 0.001 },
    },
  ],
  evaluation: {
    heldOutFraction: 0.3,
    tasks: [
      { name: 'sex', columns: ['Sex'], positive: ['female'], negative: ['male'] },
      { name: 'egfr', columns: ['EGFR mutation status'], positive: ['Mutant'], negative: ['Wildtype'] },
    ],
    fewShot: { shots: [1, 5, 10], seeds: 5 },
  },
  participation: { quorum: 2, readyDeadlineSeconds: 60, roundDeadlineSeconds: 120, evaluationDeadlineSeconds: 120 },
  protection: { mode: 'sealed', clip: 1, maximumSampleCount: 100_000 },
});

const siteNames = ['northgate', 'riverside', 'st-olaf'] as const;
const heldOutPatients = { northgate: 31, riverside: 24, 'st-olaf': 18 };

function exampleRound(stage: number, round: number): RoundRecord {
  const lateSite = stage === 0 && round === 2 ? 'st-olaf' : null;
  const startedMillis = launchedMillis + 20_000 + stage * 90_000 + (round - 1) * 21_000;
  return {
    round,
    startedMillis,
    endedMillis: startedMillis + 19_400 + 300 * round,
    participants: siteNames
      .filter((site) => site !== lateSite)
      .map(
        (site, index): ParticipantRecord => ({
          site,
          figures: {
            loss: (stage === 0 ? 3.4 : 2.9) * 0.86 ** round + 0.12 * index + 0.04 * Math.sin(3 * round + index),
            steps: 12,
            samples: 192,
            seconds: 14.2 + index,
          },
          bytesSent: stage === 0 ? 22_110_464 : 412_672,
        }),
      ),
    leftOut: lateSite === null ? [] : [{ site: lateSite, reason: 'late' }],
    model: sha256Hex(`model ${stage} ${round}`),
    failure: null,
  };
}

function exampleEvaluation(site: (typeof siteNames)[number], siteIndex: number): EvaluationReport {
  const patients = heldOutPatients[site];
  const results = (['sex', 'egfr'] as const).flatMap((task, taskIndex) =>
    ([null, 1, 5, 10] as const).flatMap((k) =>
      (['slices', 'patient'] as const).flatMap((representation) =>
        (['random', 'federated', 'alone'] as const).map((encoder): EvaluationResult => {
          const lift = { random: 0, federated: 0.22, alone: 0.13 }[encoder] * (k === 1 ? 0.4 : 1);
          const mean = 0.53 + lift - 0.03 * taskIndex + 0.02 * siteIndex + (representation === 'patient' ? 0.02 : 0);
          return {
            task,
            protocol: k === null ? 'linear-probe' : 'few-shot',
            k,
            representation,
            encoder,
            auc: { mean, standardError: 0.055 + 0.01 * siteIndex },
            gainOverRandom: encoder === 'random' ? null : { mean: lift, standardError: 0.06 + 0.01 * siteIndex },
            patients,
          };
        }),
      ),
    ),
  );
  return {
    results: site === 'st-olaf' ? results.filter(({ task }) => task !== 'egfr') : results,
    retrieval: (['ct-clinical', 'ct-expression'] as const)
      .filter((pair) => site !== 'st-olaf' || pair === 'ct-clinical')
      .flatMap((pair) =>
        (['federated', 'alone'] as const).map((encoder) => ({
          pair,
          encoder,
          recallAt1: encoder === 'federated' ? 0.21 : 0.12,
          recallAt5: encoder === 'federated' ? 0.58 : 0.4,
          chanceAt1: 1 / patients,
          chanceAt5: 5 / patients,
          patients,
        })),
      ),
    skipped: site === 'st-olaf' ? [{ task: 'egfr', reason: 'too-few-patients' }] : [],
  };
}

export const exampleRecord: StudyRecord = {
  plan: examplePlan,
  hash: planHash(examplePlan),
  state: 'finished',
  failure: null,
  launchedMillis,
  endedMillis: launchedMillis + 254_000,
  sites: siteNames.map((site, index) => ({
    site,
    inventory: {
      patients: 104 - 20 * index,
      series: 96 - 18 * index,
      slices: 1536 - 288 * index,
      nonHounsfieldSeries: index === 1 ? 78 : 0,
      clinical: 101 - 20 * index,
      expression: index === 2 ? 0 : 70 - 16 * index,
      linked: 92 - 18 * index,
      heldOut: heldOutPatients[site],
    },
    quarantine: index === 2 ? {} : { 'no-pixel-data': 2, 'not-dicom': 3 + index, 'not-axial': index },
    engine: { kind: 'wasm', description: 'WebAssembly, SIMD, 1 thread' },
  })),
  absent: [{ site: 'lakeside', reason: 'not-approved' }],
  stages: [0, 1].map((stage) => {
    const { name, rounds } = examplePlan.stages[stage]!;
    return {
      name,
      initial: sha256Hex(`model ${stage} 0`),
      final: sha256Hex(`model ${stage} ${rounds}`),
      rounds: Array.from({ length: rounds }, (_, index) => exampleRound(stage, index + 1)),
    };
  }),
  evaluations: siteNames.map((site, index) => ({ site, report: exampleEvaluation(site, index) })),
  evaluationLeftOut: [],
  ledgers: {
    coordinatorLog: { records: 64, root: sha256Hex('log'), cosignatures: 3 },
    sites: siteNames.map((site, index) => ({
      site,
      egress: { records: 40 + index, hash: sha256Hex(`egress ${site}`) },
      privacy: index === 0 ? { records: 3, hash: sha256Hex(`privacy ${site}`) } : null,
    })),
  },
};
