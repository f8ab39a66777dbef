import { describe, expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { evaluateRepresentation, type RepresentationOptions } from './evaluate-representation.ts';

const width = 6;

/** Patients whose first feature follows the label with the given strength; every third patient is held out. */
function cohort(patients: number, strength: number) {
  const random = createRandom(`cohort/${patients}`);
  const labels = Array.from({ length: patients }, () => random.int(2) as 0 | 1);
  const noise = Array.from({ length: patients * width }, () => random.normal());
  const embeddings = Float32Array.from(noise, (value, i) =>
    i % width === 0 ? value + strength * labels[Math.floor(i / width)]! : value,
  );
  return { labels, embeddings };
}

function options(labels: (0 | 1 | null)[], extra: Partial<RepresentationOptions> = {}): RepresentationOptions {
  return {
    width,
    present: labels.map(() => true),
    heldOut: labels.map((_, i) => i % 3 === 0),
    tasks: [{ name: 'stage', labels }],
    fewShot: { shots: [1, 5], seeds: 5 },
    minimumPatients: 10,
    representation: 'slices',
    encoder: 'federated',
    seed: 7,
    ...extra,
  };
}

describe('evaluateRepresentation()', () => {
  test('reports the linear probe and each few-shot setting, and finds a real signal', () => {
    const { labels, embeddings } = cohort(150, 2.5);
    const { results, skipped } = evaluateRepresentation(embeddings, options(labels));
    expect(results.map(({ protocol, k }) => [protocol, k])).toEqual([
      ['linear-probe', null],
      ['few-shot', 1],
      ['few-shot', 5],
    ]);
    expect(skipped).toEqual([]);
    expect(results[0]!.patients).toBe(50);
    expect(results[0]!.auc.mean).toBeGreaterThan(0.9);
    expect(results[0]!.auc.standardError).toBeGreaterThan(0.005);
    expect(results[2]!.auc.mean).toBeGreaterThan(results[1]!.auc.mean);
    expect(results.every((row) => row.gainOverRandom === null)).toBe(true);
  });

  test('finds nothing where there is nothing', () => {
    const { labels, embeddings } = cohort(600, 0);
    const [probe] = evaluateRepresentation(embeddings, options(labels)).results;
    expect(Math.abs(probe!.auc.mean - 0.5)).toBeLessThan(3 * probe!.auc.standardError);
  });

  test('measures the gain over the random encoder on the same patients and draws', () => {
    const strong = cohort(150, 2.5);
    const weak = cohort(150, 0.3);
    const random = evaluateRepresentation(weak.embeddings, options(weak.labels, { encoder: 'random' }));
    const { results } = evaluateRepresentation(strong.embeddings, options(strong.labels, { random: random.reference }));
    for (const [i, row] of results.entries()) {
      expect(row.gainOverRandom!.mean).toBeCloseTo(row.auc.mean - random.results[i]!.auc.mean, 12);
      expect(row.gainOverRandom!.standardError).toBeGreaterThan(0);
    }
    expect(results[0]!.gainOverRandom!.mean).toBeGreaterThan(2 * results[0]!.gainOverRandom!.standardError);

    expect(random.gainCovariance).toBeNull();
    const twice = [0, 1].map((i) => ({ name: `stage-${i}`, labels: strong.labels }));
    const weakTwice = evaluateRepresentation(
      weak.embeddings,
      options(weak.labels, { encoder: 'random', tasks: twice }),
    );
    const { gainCovariance, results: both } = evaluateRepresentation(
      strong.embeddings,
      options(strong.labels, { tasks: twice, random: weakTwice.reference }),
    );
    const squaredError = both[0]!.gainOverRandom!.standardError ** 2;
    expect(gainCovariance?.tasks).toEqual(['stage-0', 'stage-1']);
    // The same task twice varies with itself.
    for (const value of gainCovariance!.values.flat()) expect(value).toBeCloseTo(squaredError, 12);

    const again = evaluateRepresentation(weak.embeddings, options(weak.labels, { random: random.reference }));
    for (const row of again.results) expect(row.gainOverRandom).toEqual({ mean: 0, standardError: 0 });
  });

  test('gives the same numbers for the same seed and other draws for another', () => {
    const { labels, embeddings } = cohort(90, 1);
    const first = evaluateRepresentation(embeddings, options(labels));
    expect(evaluateRepresentation(embeddings, options(labels)).results).toEqual(first.results);
    const other = evaluateRepresentation(embeddings, options(labels, { seed: 8 }));
    expect(other.results[0]).toEqual(first.results[0]);
    expect(other.results[1]!.auc).not.toEqual(first.results[1]!.auc);
  });

  test('a single draw takes its error from the patients', () => {
    const { labels, embeddings } = cohort(90, 1);
    const fewShot = { shots: [3], seeds: 1 };
    const random = evaluateRepresentation(cohort(90, 0).embeddings, options(labels, { fewShot }));
    const { results } = evaluateRepresentation(embeddings, options(labels, { fewShot, random: random.reference }));
    expect(results[1]!.auc.standardError).toBeGreaterThan(0.01);
    expect(results[1]!.gainOverRandom!.standardError).toBeGreaterThan(0.01);
  });

  test('neither unlabelled patients nor patients without the representation change a number', () => {
    const { labels, embeddings } = cohort(120, 1.5);
    const expected = evaluateRepresentation(embeddings, options(labels)).results;
    const wide = new Float32Array(embeddings.length + 2 * width).fill(Number.NaN);
    wide.set(embeddings);
    const { results } = evaluateRepresentation(
      wide,
      options([...labels, null, 1], { present: [...labels.map(() => true), true, false] }),
    );
    expect(results).toEqual(expected);
  });

  test('says why a task was not measured', () => {
    const { labels, embeddings } = cohort(60, 1);
    const skippedFor = (task: (0 | 1 | null)[] | null, extra: Partial<RepresentationOptions> = {}) =>
      evaluateRepresentation(embeddings, options(labels, { tasks: [{ name: 'stage', labels: task }], ...extra }))
        .skipped;
    expect(skippedFor(null)).toEqual([{ task: 'stage', reason: 'no-label-column' }]);
    expect(skippedFor(labels, { minimumPatients: 21 })).toEqual([{ task: 'stage', reason: 'too-few-patients' }]);
    expect(skippedFor(labels.map(() => 1))).toEqual([{ task: 'stage', reason: 'one-class-only' }]);
    expect(skippedFor(labels.map((label, i) => (i % 3 === 0 ? label : 0)))).toEqual([
      { task: 'stage', reason: 'one-class-only' },
    ]);
    expect(skippedFor(labels.map((label, i) => (i % 3 !== 0 ? label : i === 0 ? 1 : 0)))).toEqual([
      { task: 'stage', reason: 'too-few-patients' },
    ]);
    expect(skippedFor(labels, { fewShot: { shots: [1, 1000], seeds: 2 } })).toEqual([
      { task: 'stage/few-shot-1000', reason: 'too-few-shots' },
    ]);
  });

  test('refuses embeddings, flags and labels of different numbers of patients', () => {
    const { labels, embeddings } = cohort(60, 1);
    expect(() => evaluateRepresentation(embeddings.subarray(1), options(labels))).toThrow(TypeError);
    expect(() => evaluateRepresentation(embeddings, options(labels, { present: [true] }))).toThrow(TypeError);
    expect(() =>
      evaluateRepresentation(embeddings, options(labels, { tasks: [{ name: 'stage', labels: [1] }] })),
    ).toThrow(/1 labels for 60 patients/);
  });
});
