import { afterEach, describe, expect, test } from 'vitest';
import { inspectDirectory } from './inspect.ts';
import { meaningOf } from './quarantine/reasons.ts';
import { dataPlan } from './test-support/data-plan.ts';
import { createSiteFolder, type SiteFolder } from './test-support/site-folder.ts';

let site: SiteFolder | undefined;
afterEach(() => site?.remove());

function smallSite(): SiteFolder {
  site = createSiteFolder();
  for (const patient of ['A', 'B', 'C']) site.series(patient, { slices: 12 });
  site.series('A', { name: 'second', slices: 4 });
  site.write('ct/A/readme.txt', 'not an image');
  site.write('clinical.csv', 'id,Age,Sex,Note\nA,60,M,x\nB,70,F,x\nD,65,F,x\n');
  site.write('expression.tsv', 'symbol\tA\tB\nTP53\t1\t2\nMYC\t3\t4\nALK\t5\t6\n');
  return site;
}

describe('inspectDirectory()', () => {
  test('reports what a folder holds and what of it can be used', async () => {
    const report = await inspectDirectory({ directory: smallSite().directory, workers: 2 });
    expect(report).toMatchObject({
      images: {
        files: 41,
        transferSyntaxes: { 'Explicit VR Little Endian': 40 },
        patients: 3,
        axialSeries: 4,
        axialSlices: 40,
      },
      clinical: { rows: 3, columns: 3, numericInputs: 1 },
      expression: { profiles: 2, genes: 3, planGenesFound: null },
      inventory: { patients: 4, series: 3, slices: 36, linked: 2 },
      quarantine: [{ reason: 'not-dicom', count: 1, meaning: meaningOf('not-dicom') }],
    });
    expect(report.notes).toContain('For 1 patients with several axial series, the one with the most slices is used.');
  });

  test('shows what a study would use', async () => {
    const report = await inspectDirectory({ directory: smallSite().directory, plan: dataPlan(), workers: 2 });
    expect(report.expression).toEqual({ profiles: 2, genes: 3, planGenesFound: 1 });
    expect(report.inventory).toMatchObject({ slices: 36, expression: 2 });
  });

  test('says that a folder cannot be opened', async () => {
    await expect(inspectDirectory({ directory: '/nonexistent' })).rejects.toThrow('cannot be opened');
  });
});
