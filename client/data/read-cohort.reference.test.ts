/** Three real hospitals: 8-bit pictures without Hounsfield units at two, original CT at the third. The data is not part of the project. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCohort } from './read-cohort.ts';
import { dataPlan } from './test-support/data-plan.ts';

const folder = resolve(import.meta.dirname, '../../../shared/data/consortium-nsclc');
const present = existsSync(folder);
if (!present) console.log('Skipped: the reference data of three hospitals is not at ../shared beside the project.');

const plan = dataPlan({
  imaging: { sizePixels: 64, windowHounsfield: { low: -1000, high: 400 }, maximumSlicesPerPatient: 4 },
  clinical: { fields: 'auto', excludeColumns: ['Survival Status', 'Time to Death (days)', 'Recurrence'] },
  expression: { genes: ['TOR1AIP1', 'NO-SUCH-GENE'] },
  evaluation: {
    ...dataPlan().evaluation,
    tasks: [{ name: 'egfr', columns: ['EGFR mutation status'], positive: ['Mutant'], negative: ['Wildtype'] }],
  },
});

const read = (site: string) => readCohort({ directory: resolve(folder, site), plan, workers: 2 });

describe.skipIf(!present)('readCohort() on reference data', () => {
  test('reads pictures without Hounsfield units and leaves the coronal patient out', async () => {
    const { inventory, quarantine, expressionInputWidth, patients, notes } = await read('va');
    expect(inventory).toMatchObject({
      patients: 68,
      series: 37,
      slices: 148,
      nonHounsfieldSeries: 37,
      clinical: 68,
      heldOut: 17,
    });
    expect(inventory.expression).toBe(53);
    expect(quarantine['not-axial']).toBe(31);
    expect(expressionInputWidth).toBe(2);
    expect(notes).toContain('37 of 37 series are not in Hounsfield units; each is scaled by its own intensity range.');
    const labelled = patients.filter(({ labels, slices }) => labels['egfr'] !== null && slices !== null);
    expect(labelled.length).toBeGreaterThan(20);
  });

  test('reads Hounsfield units, several series of single slices and repeated files', async () => {
    const { inventory, quarantine, expressionInputWidth, images } = await read('tcga-17');
    expect(inventory).toMatchObject({ patients: 22, nonHounsfieldSeries: 0, clinical: 22, expression: 0, linked: 22 });
    expect(inventory.slices).toBe(44);
    expect(quarantine).toEqual({ 'duplicate-image': 5 });
    expect(expressionInputWidth).toBeNull();
    // Air, lung, soft tissue and bone all occur in a chest window.
    const levels = new Set(images.levels);
    expect(levels.size).toBeGreaterThan(200);
  });
});
