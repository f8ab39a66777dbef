/** What a doctor and a laboratory would find in one patient: noisy consequences of the hidden severities. */
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import { portableExponential } from '../arithmetic/portable-exponential.ts';
import type { SyntheticPatient } from '../patients.ts';

/** Numbers in the units of their names; percentages of the predicted value where it says so. */
export interface ClinicalNumbers {
  ageYears: number;
  bodyMassIndex: number;
  packYears: number;
  fev1PercentPredicted: number;
  fev1ToFvcRatio: number;
  fvcPercentPredicted: number;
  diffusionPercentPredicted: number;
  oxygenSaturationPercent: number;
  crpMilligramsPerLitre: number;
  haemoglobinGramsPerDecilitre: number;
  albuminGramsPerLitre: number;
  ldhUnitsPerLitre: number;
  ceaNanogramsPerMillilitre: number;
  kl6UnitsPerMillilitre: number;
  dyspnoeaGrade: number;
  performanceStatus: number;
  /** Not touched by any disease. */
  sodiumMillimolesPerLitre: number;
  systolicPressureMillimetresOfMercury: number;
}

export interface ClinicalCategories {
  sex: 'female' | 'male';
  smoking: 'never' | 'former' | 'current';
  cough: 'yes' | 'no';
  weightLoss: 'yes' | 'no';
  clubbing: 'yes' | 'no';
  wheeze: 'yes' | 'no';
  diabetes: 'yes' | 'no';
}

export interface ClinicalRecord {
  numbers: ClinicalNumbers;
  categories: ClinicalCategories;
}

/** Turns a severity, a difference of percentiles, into about one standard deviation. */
const STANDARD = 3.5;

export function drawClinicalRecord(random: SeededRandom, patient: SyntheticPatient): ClinicalRecord {
  const emphysema = STANDARD * patient.severity.emphysema;
  const malignancy = STANDARD * patient.severity.malignancy;
  const fibrosis = STANDARD * patient.severity.fibrosis;
  const noise = (standardDeviation: number) => standardDeviation * random.normal();
  const within = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));
  const lognormal = (mean: number, standardDeviation: number) =>
    portableExponential(within(mean + noise(standardDeviation), -10, 10));
  const happens = (logit: number): 'yes' | 'no' =>
    random.next() < 1 / (1 + portableExponential(within(-logit, -20, 20))) ? 'yes' : 'no';
  const smoked = 1.2 + 0.6 * emphysema + 0.5 * malignancy + noise(1);
  const smoking = smoked < 0.2 ? 'never' : smoked < 1.5 ? 'former' : 'current';
  return {
    numbers: {
      ageYears: patient.ageYears,
      bodyMassIndex: within(26.5 - 0.7 * emphysema - 0.7 * malignancy + noise(3.6), 15, 48),
      packYears: smoking === 'never' ? 0 : within(28 + 8 * emphysema + 4 * malignancy + noise(13), 1, 120),
      fev1PercentPredicted: within(78 - 8 * emphysema - 3 * fibrosis + noise(11), 18, 125),
      fev1ToFvcRatio: within(0.7 - 0.055 * emphysema + 0.025 * fibrosis + noise(0.06), 0.3, 0.95),
      fvcPercentPredicted: within(88 - 8 * fibrosis + noise(11), 30, 130),
      diffusionPercentPredicted: within(70 - 5 * emphysema - 7 * fibrosis + noise(10), 15, 120),
      oxygenSaturationPercent: within(95.4 - 0.6 * emphysema - 0.8 * fibrosis + noise(1.5), 78, 100),
      crpMilligramsPerLitre: lognormal(1.7 + 0.4 * malignancy + 0.2 * fibrosis, 0.7),
      haemoglobinGramsPerDecilitre: within(
        13.4 + (patient.sex === 'male' ? 0.9 : 0) - 0.7 * malignancy + noise(1.1),
        6.5,
        19,
      ),
      albuminGramsPerLitre: within(39 - 1.8 * malignancy + noise(3), 18, 52),
      ldhUnitsPerLitre: within(215 + 28 * malignancy + 16 * fibrosis + noise(42), 90, 900),
      ceaNanogramsPerMillilitre: lognormal(1 + 0.5 * malignancy, 0.7),
      kl6UnitsPerMillilitre: lognormal(6 + 0.4 * fibrosis, 0.5),
      dyspnoeaGrade: within(Math.round(1.4 + 0.5 * emphysema + 0.5 * fibrosis + noise(0.8)), 0, 4),
      performanceStatus: within(Math.round(0.8 + 0.5 * malignancy + noise(0.7)), 0, 4),
      sodiumMillimolesPerLitre: within(139.5 + noise(3), 120, 155),
      systolicPressureMillimetresOfMercury: within(134 + noise(17), 85, 210),
    },
    categories: {
      sex: patient.sex,
      smoking,
      cough: happens(0.3 + 0.6 * fibrosis + 0.5 * emphysema),
      weightLoss: happens(-0.8 + 1.1 * malignancy),
      clubbing: happens(-1.2 + 1.1 * fibrosis),
      wheeze: happens(-0.7 + 1.1 * emphysema),
      diabetes: happens(-1.4),
    },
  };
}
