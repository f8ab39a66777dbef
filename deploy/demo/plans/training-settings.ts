/**
 * The part of a plan that decides how long a run takes, for a full and a quick run.
 *
 * Sized for three sites and a coordinator on four cores without a GPU: at 64 px a WebAssembly core trains about 25 views a
 * second, and each site trains twice (with the others, and alone for comparison).
 */
import type { PatientPrivacy, Stage, StudyPlan } from '@wardround/protocols/study/plan.ts';

export type TrainingSettings = Pick<StudyPlan, 'imaging' | 'encoders' | 'stages' | 'participation' | 'protection'>;

export interface RunSize {
  readonly quick: boolean;
  /** Train under differential privacy: slice pretraining alone, which is what such a plan covers. */
  readonly private: boolean;
  /** How many hospitals are invited. */
  readonly sites: number;
}

/** Four groups of three patients a step, on average of fifty. */
const patientPrivacy: PatientPrivacy = {
  unit: 'patient',
  noiseMultiplier: 1,
  clip: 1,
  samplingRate: 0.25,
  groups: 4,
  slicesPerPatient: 2,
  delta: 1e-3,
};

export function trainingSettings({ quick, sites, private: isPrivate }: RunSize): TrainingSettings {
  const adamW = { weightDecay: 0.01, beta1: 0.9, beta2: 0.999, warmUpFraction: 0.1, clipNorm: 1 };
  const server = { kind: 'fedavg', learningRate: 1 } as const;
  const pretraining = { rounds: quick ? 3 : 8, localSteps: quick ? 8 : 12, batch: 16 };
  const alignment = { rounds: quick ? 6 : 12, localSteps: 24, batch: 32 };
  const pretrainingStage: Stage = {
    kind: 'slice-pretraining',
    objective: 'simclr',
    name: 'pretraining',
    rounds: pretraining.rounds,
    // The steps decide: a hospital with few slices sees them several times.
    localEpochs: 20,
    maximumLocalSteps: pretraining.localSteps,
    batch: pretraining.batch,
    temperature: 0.2,
    optimiser: { ...adamW, learningRate: 5e-4 },
    server,
  };
  const alignmentStage: Stage = {
    kind: 'alignment',
    objective: 'info-nce',
    embeddingWidth: 64,
    inputDropout: 0.5,
    name: 'alignment',
    rounds: alignment.rounds,
    localEpochs: 4,
    maximumLocalSteps: alignment.localSteps,
    batch: alignment.batch,
    temperature: 0.2,
    optimiser: { ...adamW, learningRate: 1e-3 },
    server,
  };
  return {
    imaging: {
      sizePixels: 64,
      windowHounsfield: { low: -1000, high: 400 },
      maximumSlicesPerPatient: quick ? 8 : 16,
    },
    encoders: {
      slice: { architecture: 'vit_tiny_patch16', projectionWidth: 128 },
      pooling: { architecture: 'gated-attention', width: 128, attentionWidth: 64 },
      clinical: { architecture: 'mlp', hiddenWidth: 64 },
      expression: { architecture: 'mlp', hiddenWidth: 128 },
    },
    stages: isPrivate ? [pretrainingStage] : [pretrainingStage, alignmentStage],
    participation: {
      // All but a third. Adding securely, three need all three: one that comes back in time is waited for.
      quorum: Math.max(1, Math.ceil((2 * sites) / 3)),
      readyDeadlineSeconds: 300,
      roundDeadlineSeconds: 180,
      // Hospitals on one machine are in each other's way: all are waited for until the deadline.
      graceMinutes: 3,
      evaluationDeadlineSeconds: 900,
    },
    protection: {
      // Fewer than three hospitals cannot hide in a sum.
      mode: sites < 3 ? 'sealed' : 'secure-aggregation',
      clip: 0.5,
      // Close above what a round's steps can see, because it takes part in the resolution of the fixed-point code.
      maximumSampleCount:
        2 * Math.max(pretraining.localSteps * pretraining.batch, alignment.localSteps * alignment.batch),
      // Far above what a round's steps can move: guards against an accident.
      updateNormLimit: { norm: 100, zeroAboveMultiple: 10 },
      gate: { normMultiple: 10, lossRise: 0.5, maximumRollbacks: 3 },
      ...(isPrivate ? { privacy: patientPrivacy } : sites < 3 ? {} : { stableCohorts: true }),
    },
  };
}
