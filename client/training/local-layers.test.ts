/**
 * Reading samples out of a sum of updates through a first dense layer with ReLU (SRATTA; Marchand et al., ICML 2023): the
 * change of a neuron's weights, divided by that of its bias, is the one sample that switched the neuron on. Masks and sums do
 * not help against it: the attack needs the sum alone.
 */
import { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { stageLayout } from '@wardround/protocols/study/stage-layout.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { describe, expect, test } from 'vitest';
import { initialLocalLayers } from './local-layers.ts';

const INPUTS = 37;
const NEURONS = 200;

interface Dense {
  /** [neurons, inputs], row by row. */
  readonly weights: Float64Array;
  readonly biases: Float64Array;
}

/** The sum over patients of the first layer's gradient, for a loss that is the sum of what the neurons give. */
function summedGradient({ weights, biases }: Dense, patients: readonly Float64Array[]): Dense {
  const gradient = { weights: new Float64Array(weights.length), biases: new Float64Array(biases.length) };
  for (const patient of patients) {
    for (let neuron = 0; neuron < biases.length; neuron += 1) {
      let value = biases[neuron]!;
      for (let i = 0; i < patient.length; i += 1) value += weights[neuron * patient.length + i]! * patient[i]!;
      if (value <= 0) continue;
      gradient.biases[neuron]! += 1;
      for (let i = 0; i < patient.length; i += 1) gradient.weights[neuron * patient.length + i]! += patient[i]!;
    }
  }
  return gradient;
}

/** What the attacker takes for samples: one candidate a neuron. */
function candidates({ weights, biases }: Dense): Float64Array[] {
  const width = weights.length / biases.length;
  return [...biases].flatMap((bias, neuron) =>
    bias === 0 ? [] : [weights.slice(neuron * width, (neuron + 1) * width).map((weight) => weight / bias)],
  );
}

const isFound = (patient: Float64Array, found: readonly Float64Array[]) =>
  found.some((one) => one.length === patient.length && one.every((value, i) => Math.abs(value - patient[i]!) < 1e-6));

const random = createRandom(7);
const signed = (): number => 2 * random.next() - 1;
const patients = Array.from({ length: 8 }, () => Float64Array.from({ length: INPUTS }, signed));

describe('SRATTA: a sum of updates, a first dense layer, ReLU', () => {
  test('gives patients away where that layer travels', () => {
    const layer = {
      weights: Float64Array.from({ length: NEURONS * INPUTS }, signed),
      biases: Float64Array.from({ length: NEURONS }, () => -4 * random.next()),
    };
    const found = candidates(summedGradient(layer, patients));
    expect(patients.filter((patient) => isFound(patient, found)).length).toBeGreaterThanOrEqual(4);
  });

  test('finds nothing to divide here: no tensor that travels has seen a patient’s row, however many columns a site has', () => {
    const plan = StudyPlan.parse(smallPlan());
    const stage = plan.stages[1];
    if (stage?.kind !== 'alignment') throw new Error('the plan has no alignment');
    const widths = { clinicalInputWidth: INPUTS, expressionInputWidth: plan.expression!.genes.length };
    const local = initialLocalLayers({ plan, stage }, widths);
    // The layers are there, with a weight for each column, and stay.
    expect(local.clinical!.length).toBeGreaterThanOrEqual(INPUTS * plan.encoders.clinical.hiddenWidth);
    expect(local.expression!.length).toBeGreaterThanOrEqual(
      plan.expression!.genes.length * plan.encoders.expression.hiddenWidth,
    );
    for (const encoder of ['clinical', 'expression'] as const) {
      const travelling = stageLayout(plan, stage).tensors.filter(({ group }) => group === encoder);
      expect(travelling.length).toBeGreaterThan(0);
      const rows = travelling.filter(({ shape }) => shape.length === 2).map(({ shape }) => shape[1]);
      for (const width of rows) expect(width).toBe(plan.encoders[encoder].hiddenWidth);
    }
  });
});
