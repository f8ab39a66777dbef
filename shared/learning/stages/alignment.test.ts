import { expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { initialise } from '../../tensors/initialise.ts';
import { clinicalLocalLayout, clinicalSharedLayout } from '../../tensors/layouts/clinical.ts';
import { expressionLocalLayout, expressionSharedLayout } from '../../tensors/layouts/expression.ts';
import { gatedAttentionLayout } from '../../tensors/layouts/gated-attention.ts';
import '../../test/all-close.ts';
import { describeOnEachEngine } from '../../test/each-engine.ts';
import { retrievalRecall } from '../evaluation/retrieval-recall.ts';
import { type AlignmentBatch, type AlignmentOptions, createAlignment, NothingToContrastError } from './alignment.ts';

const sliceWidth = 10;
const pooling = { width: 16, attentionWidth: 8 };
const embeddingWidth = 8;
const hiddenWidth = 12;
const clinicalInputWidth = 6;
const expressionInputWidth = 9;

const image = gatedAttentionLayout({ sliceWidth, ...pooling, embeddingWidth });
const clinical = clinicalSharedLayout({ hiddenWidth, embeddingWidth });
const expression = expressionSharedLayout({ hiddenWidth, embeddingWidth });

function start(): Pick<AlignmentOptions, 'shared' | 'local'> {
  const parts = [image, clinical, expression].map((layout) => initialise(layout, 'alignment'));
  return {
    shared: Float32Array.from(parts.flatMap((part) => [...part])),
    local: {
      clinical: initialise(clinicalLocalLayout({ inputWidth: clinicalInputWidth, hiddenWidth }), 'alignment'),
      expression: initialise(expressionLocalLayout({ inputWidth: expressionInputWidth, hiddenWidth }), 'alignment'),
    },
  };
}

function options(extra: Partial<AlignmentOptions> = {}): AlignmentOptions {
  return {
    sliceWidth,
    pooling,
    embeddingWidth,
    clinicalHiddenWidth: hiddenWidth,
    expressionHiddenWidth: hiddenWidth,
    clinicalInputWidth,
    expressionInputWidth,
    temperature: 0.1,
    optimiser: { learningRate: 0.01, weightDecay: 0.1, beta1: 0.9, beta2: 0.999, warmUpFraction: 0, clipNorm: 1 },
    ...start(),
    ...extra,
  };
}

/** What a site without expression data has. */
const withoutExpression = { expressionInputWidth: null, local: { ...start().local, expression: null } };

/** Patients whose four hidden factors show in every modality, with 1 to 3 slices each. */
function batchOf(patients: number, seed = 'patients'): AlignmentBatch {
  const random = createRandom(seed);
  const slicesPerPatient = 3;
  const mixing = (width: number) => Array.from({ length: 4 * width }, () => random.normal());
  const factors = Array.from({ length: patients }, () => Array.from({ length: 4 }, () => random.normal()));
  const rows = (width: number, repeats: number) => {
    const matrix = mixing(width);
    const values = factors.flatMap((hidden) =>
      Array.from({ length: repeats * width }, (_, i) =>
        hidden.reduce((sum, factor, f) => sum + factor * matrix[f * width + (i % width)]!, 0.1 * random.normal()),
      ),
    );
    return Float32Array.from(values);
  };
  return {
    patients,
    slicesPerPatient,
    slices: rows(sliceWidth, slicesPerPatient),
    sliceMask: Float32Array.from({ length: patients * slicesPerPatient }, (_, i) =>
      i % slicesPerPatient <= Math.floor(i / slicesPerPatient) % slicesPerPatient ? 1 : 0,
    ),
    clinical: rows(clinicalInputWidth, 1),
    clinicalPresent: factors.map(() => true),
    expression: rows(expressionInputWidth, 1),
    expressionPresent: factors.map(() => true),
  };
}

describeOnEachEngine('createAlignment()', (engine) => {
  test('learns to find every patient by any modality', async () => {
    const batch = batchOf(24);
    const alignment = createAlignment(engine(), options());
    const losses: number[] = [];
    for (let step = 0; step < 120; step++) losses.push(await alignment.step(batch, { progress: step / 120 }));
    // Before training the loss is about that of guessing among 24.
    expect(losses[0]).toBeGreaterThan(2);
    expect(losses.at(-1)).toBeLessThan(0.3);
    const embedded = await alignment.embed(batch);
    for (const [a, b] of [
      [embedded.ct, embedded.clinical!],
      [embedded.ct, embedded.expression!],
      [embedded.clinical!, embedded.expression!],
    ] as const) {
      expect(retrievalRecall(a, b, { count: 24, width: embeddingWidth, ks: [1] })[0]!.recall).toBe(1);
    }
    alignment.dispose();
  });

  test('gives the same weights for the same start, and moves every part of them', async () => {
    const train = async () => {
      const alignment = createAlignment(engine(), options());
      for (let step = 0; step < 3; step++) await alignment.step(batchOf(6, `${step}`), { progress: 0.1 });
      const trained = await alignment.parameters();
      alignment.dispose();
      return trained;
    };
    const first = await train();
    expect(await train()).toEqual(first);
    const { shared, local } = start();
    for (const [offset, size] of [
      [0, image.size],
      [image.size, clinical.size],
      [image.size + clinical.size, expression.size],
    ] as const) {
      expect(first.shared.subarray(offset, offset + size)).not.toEqual(shared.subarray(offset, offset + size));
    }
    expect(first.local.clinical).not.toEqual(local.clinical);
    expect(first.local.expression).not.toEqual(local.expression);
    expect(first.local.expression).toHaveLength(local.expression!.length);
  });

  test('returns untrained weights bit for bit', async () => {
    const alignment = createAlignment(engine(), options());
    expect(await alignment.parameters()).toEqual(start());
    alignment.dispose();
  });

  test('a site without expression returns the expression encoder bit for bit', async () => {
    const alignment = createAlignment(engine(), options(withoutExpression));
    const batch = { ...batchOf(6), expression: null, expressionPresent: new Array(6).fill(false) };
    for (let step = 0; step < 3; step++) await alignment.step(batch, { progress: 0 });
    const { shared, local } = await alignment.parameters();
    const from = image.size + clinical.size;
    expect(shared.subarray(from)).toEqual(start().shared.subarray(from));
    expect(shared.subarray(0, from)).not.toEqual(start().shared.subarray(0, from));
    expect(local.expression).toBeNull();
    expect((await alignment.embed(batch)).expression).toBeNull();
    alignment.dispose();
  });

  test('steps that do not contrast a modality leave its encoder bit for bit, also after others did', async () => {
    const alignment = createAlignment(engine(), options());
    await alignment.step(batchOf(6), { progress: 0 });
    const before = await alignment.parameters();
    // A single patient has expression: there is nobody to tell that patient from.
    const expressionPresent = [true, false, false, false, false, false];
    for (let step = 0; step < 3; step++) await alignment.step({ ...batchOf(6), expressionPresent }, { progress: 0 });
    const after = await alignment.parameters();
    const from = image.size + clinical.size;
    expect(after.shared.subarray(from)).toEqual(before.shared.subarray(from));
    expect(after.local.expression).toEqual(before.local.expression);
    expect(after.shared.subarray(0, from)).not.toEqual(before.shared.subarray(0, from));
    alignment.dispose();
  });

  test('goes on from where another stood, to the bit, each encoder from its own steps', async () => {
    const lacking = { ...batchOf(6), expressionPresent: Array.from({ length: 6 }, () => false) };
    const batches = [batchOf(6), lacking, batchOf(6, 'others'), lacking];
    const whole = createAlignment(engine(), options());
    const states = [];
    for (const batch of batches) {
      states.push(await whole.state());
      await whole.step(batch, { progress: 0.5 });
    }
    const expected = await whole.parameters();
    whole.dispose();
    for (const [taken, from] of states.entries()) {
      const resumed = createAlignment(engine(), options({ from }));
      for (const batch of batches.slice(taken)) await resumed.step(batch, { progress: 0.5 });
      expect(await resumed.parameters()).toEqual(expected);
      resumed.dispose();
    }
    expect(states.map((state) => [state.ct?.steps, state.expression?.steps])).toEqual([
      [0, 0],
      [1, 1],
      [2, 1],
      [3, 2],
    ]);
  });

  test('takes a study without expression', async () => {
    const shared = start().shared.subarray(0, image.size + clinical.size);
    const alignment = createAlignment(engine(), options({ ...withoutExpression, shared }));
    await alignment.step(batchOf(6), { progress: 0 });
    expect((await alignment.parameters()).shared).toHaveLength(shared.length);
    alignment.dispose();
  });

  test('what absent modalities and padding hold does not matter, to the bit', async () => {
    const plain = batchOf(8);
    const present = plain.clinicalPresent.map((_, i) => i !== 2);
    const broken = {
      slices: plain.slices.map((value, i) => (plain.sliceMask[Math.floor(i / sliceWidth)] === 0 ? Number.NaN : value)),
      clinical: plain.clinical!.map((value, i) => (Math.floor(i / clinicalInputWidth) === 2 ? Number.NaN : value)),
    };
    const train = async (extra: Partial<AlignmentBatch>) => {
      const alignment = createAlignment(engine(), options());
      const batch = { ...plain, clinicalPresent: present, ...extra };
      await alignment.step(batch, { progress: 0 });
      const trained = { weights: await alignment.parameters(), embedded: await alignment.embed(batch) };
      alignment.dispose();
      return trained;
    };
    expect(await train(broken)).toEqual(await train({}));
  });

  test('embeds unit rows, and zero rows for what a patient lacks', async () => {
    const alignment = createAlignment(engine(), options());
    const whole = batchOf(4);
    const batch = {
      ...whole,
      sliceMask: whole.sliceMask.map((value, i) => (i < 3 ? 0 : value)),
      clinicalPresent: [true, false, true, true],
    };
    const { ct, clinical: values, expression: profiles, patient } = await alignment.embed(batch);
    const lengths = (matrix: Float32Array, width: number) =>
      Array.from({ length: 4 }, (_, row) => Math.hypot(...matrix.subarray(row * width, (row + 1) * width)));
    expect(lengths(ct, embeddingWidth)).toEqual([0, ...Array(3).fill(expect.closeTo(1, 5))]);
    const close = expect.closeTo(1, 5);
    expect(lengths(values!, embeddingWidth)).toEqual([close, 0, close, close]);
    expect(lengths(profiles!, embeddingWidth)).toEqual([close, close, close, close]);
    expect(lengths(patient, pooling.width).map((length) => length > 0)).toEqual([false, true, true, true]);
    alignment.dispose();
  });

  test('embeds a patient the same alone and in a batch, and a batch without CT as zeros', async () => {
    const alignment = createAlignment(engine(), options());
    const batch = batchOf(5);
    const all = await alignment.embed(batch);
    const mask = batch.sliceMask.map((value, i) => (Math.floor(i / 3) === 4 ? value : 0));
    const one = await alignment.embed({ ...batch, sliceMask: mask });
    expect(one.patient.subarray(4 * 16)).toBeAllClose(all.patient.subarray(4 * 16), { relative: 1e-5, absolute: 1e-6 });
    const none = await alignment.embed({ ...batch, sliceMask: new Float32Array(15) });
    expect(none.ct).toEqual(new Float32Array(5 * embeddingWidth));
    alignment.dispose();
  });

  test('the loss is the mean over the contrasted pairs', async () => {
    const lossOf = async (extra: Partial<AlignmentBatch>) => {
      const alignment = createAlignment(engine(), options());
      const loss = await alignment.step({ ...batchOf(6), ...extra }, { progress: 0 });
      alignment.dispose();
      return loss;
    };
    const no = new Array(6).fill(false);
    const ctClinical = await lossOf({ expressionPresent: no });
    const ctExpression = await lossOf({ clinicalPresent: no });
    const clinicalExpression = await lossOf({ sliceMask: new Float32Array(18) });
    expect(await lossOf({})).toBeCloseTo((ctClinical + ctExpression + clinicalExpression) / 3, 4);
  });

  test('refuses a batch without anything to contrast, by name, and changes nothing', async () => {
    const alignment = createAlignment(engine(), options());
    const batch = { ...batchOf(3), clinicalPresent: [true, false, false], expressionPresent: [false, true, false] };
    await expect(alignment.step(batch, { progress: 0 })).rejects.toThrow(NothingToContrastError);
    expect(await alignment.parameters()).toEqual(start());
    alignment.dispose();
  });

  test('refuses vectors and batches of wrong lengths', async () => {
    expect(() => createAlignment(engine(), options({ shared: new Float32Array(7) }))).toThrow(TypeError);
    expect(() => createAlignment(engine(), options({ local: { ...start().local, clinical: null } }))).toThrow(
      /clinical/,
    );
    expect(() =>
      createAlignment(engine(), options({ shared: start().shared.subarray(0, image.size + clinical.size) })),
    ).toThrow(/no expression encoder/);
    const alignment = createAlignment(engine(), options());
    const batch = batchOf(3);
    for (const extra of [
      { slices: batch.slices.subarray(1) },
      { sliceMask: batch.sliceMask.subarray(1) },
      { clinical: batch.clinical!.subarray(1) },
      { clinical: null },
      { expressionPresent: [true] },
    ]) {
      await expect(alignment.step({ ...batch, ...extra }, { progress: 0 })).rejects.toThrow(TypeError);
    }
    alignment.dispose();
  });

  test('holds no more tensors after fifty steps than after one, and none after disposal', async () => {
    const { tf } = engine();
    const before = tf.memory().numTensors;
    const alignment = createAlignment(engine(), options());
    await alignment.step(batchOf(4), { progress: 0 });
    const afterOne = tf.memory().numTensors;
    for (let step = 0; step < 50; step++) {
      const batch = batchOf(3 + (step % 3), `${step}`);
      const expressionPresent = batch.expressionPresent.map((_, i) => step % 2 === 0 || i === 0);
      await alignment.step({ ...batch, expressionPresent }, { progress: step / 50 });
      if (step % 10 === 0) await alignment.embed(batch);
    }
    expect(tf.memory().numTensors).toBe(afterOne);
    alignment.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
