/** Draws a site's patients: their hidden disease severities, the outcomes doctors recorded, and which data exist. */
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import type { PerDisease } from './diseases.ts';
import { diseases } from './diseases.ts';

export interface SyntheticPatient {
  id: string;
  sex: 'female' | 'male';
  ageYears: number;
  /** Distance of the disease's percentile from the threshold of diagnosis: -1 .. 1, above zero is diseased. */
  severity: PerDisease<number>;
  /** What was diagnosed: the severity above zero, with a little error near the threshold. */
  outcome: PerDisease<boolean>;
  /** Not every patient has everything. */
  has: { ct: boolean; clinical: boolean; expression: boolean };
}

/** Standard deviation of the doctors' error, on the scale of `severity`. */
const DIAGNOSTIC_ERROR = 0.05;
const WITHOUT_EXPRESSION = 0.1;
const WITHOUT_CLINICAL = 0.05;
const WITHOUT_CT = 0.025;

export function drawPatients(
  random: SeededRandom,
  options: { count: number; idPrefix: string; prevalence: PerDisease<number> },
): SyntheticPatient[] {
  const { count, idPrefix, prevalence } = options;
  const severities = {} as PerDisease<number[]>;
  for (const disease of diseases) {
    severities[disease] = spreadPercentiles(random.fork(`severity ${disease}`), count).map(
      (percentile) => percentile - (1 - prevalence[disease]),
    );
  }
  const absent = drawAbsences(random.fork('absences'), count);
  return Array.from({ length: count }, (_, index) => {
    const own = random.fork(`patient ${index}`);
    const severity = {} as PerDisease<number>;
    const outcome = {} as PerDisease<boolean>;
    for (const disease of diseases) {
      severity[disease] = severities[disease][index]!;
      outcome[disease] = severity[disease] + DIAGNOSTIC_ERROR * own.normal() > 0;
    }
    return {
      id: `${idPrefix}-${String(1001 + index)}`,
      sex: own.next() < 0.5 ? 'female' : 'male',
      ageYears: Math.round(Math.min(88, Math.max(35, 64 + 5 * severity.malignancy + 9 * own.normal()))),
      severity,
      outcome,
      has: {
        ct: !absent.ct.has(index),
        clinical: !absent.clinical.has(index),
        expression: !absent.expression.has(index),
      },
    };
  });
}

/** One percentile from each of `count` equal slices of 0..1, in random order, so that even a small site keeps its prevalence. */
function spreadPercentiles(random: SeededRandom, count: number): number[] {
  const strata = Array.from({ length: count }, (_, stratum) => (stratum + random.next()) / count);
  return random.shuffle(strata);
}

/** Patients without CT keep both tables; a patient may lack a clinical row and expression at once. */
function drawAbsences(random: SeededRandom, count: number) {
  const everyone = Array.from({ length: count }, (_, index) => index);
  const [noCt, rest] = split(random.shuffle(everyone), share(count, WITHOUT_CT));
  return {
    ct: new Set(noCt),
    expression: new Set(random.shuffle(rest).slice(0, share(count, WITHOUT_EXPRESSION))),
    clinical: new Set(random.shuffle(rest).slice(0, share(count, WITHOUT_CLINICAL))),
  };
}

const share = (count: number, fraction: number) => Math.max(1, Math.round(count * fraction));
const split = <T>(items: T[], at: number): [T[], T[]] => [items.slice(0, at), items.slice(at)];
