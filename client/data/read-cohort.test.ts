import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Cohort } from './cohort.ts';
import { discPattern } from './dicom/test-support/ct-slice.ts';
import type { ReadingProgress } from './progress.ts';
import { readCohort } from './read-cohort.ts';
import { readSlices } from './slice-images.ts';
import { dataPlan } from './test-support/data-plan.ts';
import { createSiteFolder, type SiteFolder } from './test-support/site-folder.ts';

let site: SiteFolder | undefined;
afterEach(() => site?.remove());

const patients = Array.from({ length: 12 }, (_, index) => `R01-${String(index + 1).padStart(3, '0')}`);

/** Twelve patients: ten with CT, eleven in the clinical table, seven with expression. */
function usualSite(): SiteFolder {
  site = createSiteFolder();
  for (const patient of patients.slice(0, 10)) site.series(patient, { slices: 3 });
  const rows = patients
    .slice(1)
    .map(
      (patient, index) => `${patient},${50 + index},${index % 2 === 0 ? 'M' : 'F'},${index % 3 === 0 ? 'yes' : 'no'}`,
    );
  site.write('clinical.csv', `Case ID,Age,Sex,Response\n${rows.join('\n')}\n`);
  const measured = patients.slice(3, 10);
  const values = (gene: number) => measured.map((_, index) => ((gene + 2) * index) % 7).join('\t');
  const genes = ['EGFR', 'TP53', 'MYC'].map((gene, index) => `${gene}\t${values(index)}`);
  site.write('expression.tsv', `gene\t${measured.join('\t')}\n${genes.join('\n')}\n`);
  return site;
}

const read = (directory: string, options: Partial<Parameters<typeof readCohort>[0]> = {}) =>
  readCohort({ directory, plan: dataPlan(), workers: 2, ...options });

/** Everything of a cohort, to compare two. */
function whole({ images, ...others }: Cohort): object {
  return { ...others, images: { ...images, levels: Buffer.from(images.levels).toString('base64') } };
}

describe('readCohort()', () => {
  test('links what each patient has across the modalities', async () => {
    const {
      inventory,
      quarantine,
      clinicalInputWidth,
      expressionInputWidth,
      patients: found,
      notes,
    } = await read(usualSite().directory);
    expect(quarantine).toEqual({});
    expect(inventory).toEqual({
      patients: 12,
      series: 10,
      slices: 30,
      nonHounsfieldSeries: 0,
      clinical: 11,
      expression: 7,
      linked: 9,
      heldOut: 3,
    });
    // Age and its missing mark, two sexes and theirs; the task's column is no input.
    expect(clinicalInputWidth).toBe(5);
    expect(expressionInputWidth).toBe(3);
    expect(found.filter(({ labels }) => labels['response'] === 1)).toHaveLength(4);
    expect(found.filter(({ labels }) => labels['response'] === null)).toHaveLength(1);
    expect(notes).toEqual([
      '1 numeric and 1 categorical clinical columns are used.',
      "2 of the plan's 3 genes are in the expression table; the others count as the mean.",
    ]);
  });

  test('gives slices in 0..1 at the size of the plan, each patient in a range of their own', async () => {
    const { images, patients: found } = await read(usualSite().directory);
    expect(images).toMatchObject({ sizePixels: 32, count: 30 });
    const ranges = found.flatMap(({ slices }) => (slices === null ? [] : [slices]));
    expect(ranges).toEqual(Array.from({ length: 10 }, (_, index) => ({ first: 3 * index, count: 3 })));
    const [slice] = [readSlices(images, [0])];
    expect(slice).toHaveLength(32 * 32);
    // Air at the corner, tissue of 40 to 48 HU in the middle, a spot of at least 300 HU somewhere.
    expect(slice![0]).toBe(0);
    expect(slice![16 * 32 + 16]).toBeGreaterThan(1040 / 1400 - 0.01);
    expect(slice![16 * 32 + 16]).toBeLessThan(1049 / 1400 + 0.01);
    expect(Math.max(...slice!)).toBeGreaterThan(1300 / 1400 - 0.01);
  });

  test('orders the slices of a patient by position, whatever the files are called', async () => {
    site = createSiteFolder();
    for (const [file, z] of [
      ['a', 20],
      ['b', 0],
      ['c', 10],
    ] as const) {
      site.series('P', {
        slices: 1,
        name: file,
        slice: { series: '1.2.3', instance: `1.${z}`, z, pixels: new Int16Array(32 * 32).fill(24 + 70 * z) },
      });
    }
    const { images } = await read(site.directory);
    expect([0, 1, 2].map((index) => images.levels[index * 32 * 32 + 500])).toEqual([0, 128, 255]);
  });

  test('standardises with training patients only', async () => {
    const { patients: found } = await read(usualSite().directory);
    const mean = (chosen: typeof found) => chosen.reduce((sum, { clinical }) => sum + clinical![0]!, 0) / chosen.length;
    const training = found.filter(({ clinical, heldOut }) => clinical !== null && !heldOut);
    expect(mean(training)).toBeCloseTo(0, 5);
    const profiles = found.filter(({ expression, heldOut }) => expression !== null && !heldOut);
    expect(profiles.reduce((sum, { expression }) => sum + expression![0]!, 0)).toBeCloseTo(0, 4);
    // The plan's third gene is absent here.
    expect(found.every(({ expression }) => expression === null || expression[2] === 0)).toBe(true);
  });

  test('gives the same cohort again, and another order and split under another seed', async () => {
    const { directory } = usualSite();
    const first = await read(directory);
    const again = await read(directory, { workers: 1 });
    expect(whole(again)).toEqual(whole(first));
    const other = await read(directory, { plan: dataPlan({ seed: 8 }) });
    expect(other.patients.map(({ labels, heldOut }) => [labels['response'], heldOut])).not.toEqual(
      first.patients.map(({ labels, heldOut }) => [labels['response'], heldOut]),
    );
  });

  test('thins out long series evenly and decodes no more', async () => {
    site = createSiteFolder();
    site.series('P', { slices: 30 });
    const imaging = { ...dataPlan().imaging, maximumSlicesPerPatient: 4 };
    const progress: ReadingProgress[] = [];
    const { inventory, notes } = await read(site.directory, {
      plan: dataPlan({ imaging }),
      onProgress: (step) => progress.push(step),
    });
    expect(inventory.slices).toBe(4);
    expect(notes).toContain('4 of 30 slices are used: at most 4 of a patient, evenly spaced.');
    expect(progress.filter(({ activity }) => activity === 'reading-headers').at(-1)).toMatchObject({
      done: 30,
      total: 30,
    });
    expect(progress.filter(({ activity }) => activity === 'decoding-slices').at(-1)).toMatchObject({
      done: 4,
      total: 4,
    });
  });

  test('scales a series without Hounsfield units by its own range and says so', async () => {
    site = createSiteFolder();
    const pixels = Uint8Array.from(discPattern(32), (value) => (value < -500 ? 30 : value > 200 ? 130 : 80));
    const rescale = { '00281052': null, '00281053': null };
    site.series('P', { slices: 1, slice: { pixels, change: rescale } });
    const { images, inventory, notes } = await read(site.directory);
    expect(inventory.nonHounsfieldSeries).toBe(1);
    expect(notes[0]).toBe('1 of 1 series are not in Hounsfield units; each is scaled by its own intensity range.');
    expect(images.levels[0]).toBe(0);
    expect(Math.max(...images.levels)).toBe(255);
    expect(images.levels[16 * 32 + 16]).toBe(Math.round((255 * 50) / 100));
  });

  test('counts what cannot be used by reason and goes on', async () => {
    const folder = usualSite();
    const first = join(folder.directory, 'ct', patients[0]!);
    const good = readFileSync(join(first, 'a000.dcm'));
    folder.write('ct/R01-001/notes.txt', 'Patient walks well');
    folder.write('ct/R01-001/empty.dcm', '');
    folder.write('ct/R01-001/again.dcm', good);
    folder.write('ct/R01-002/cut.dcm', good.subarray(0, good.length - 500));
    folder.write('ct/R01-002/header-only.dcm', good.subarray(0, 400));
    folder.series('R01-003', {
      name: 'cor',
      slices: 2,
      slice: { change: { '00200037': { tag: '00200037', vr: 'DS', value: '1\\0\\0\\0\\0\\-1' } } },
    });
    folder.series('R01-003', {
      name: 'loc',
      slices: 1,
      slice: { change: { '00080008': { tag: '00080008', vr: 'CS', value: 'ORIGINAL\\PRIMARY\\LOCALIZER' } } },
    });
    folder.series('R01-004', {
      name: 'pet',
      slices: 1,
      slice: { change: { '00080060': { tag: '00080060', vr: 'CS', value: 'PT' } } },
    });
    folder.series('R01-004', { name: 'video', slices: 1, slice: { transferSyntax: '1.2.840.10008.1.2.4.102' } });
    folder.series('R01-099', {
      slices: 1,
      slice: { encapsulated: { fragments: [new Uint8Array(50)] }, transferSyntax: '1.2.840.10008.1.2.4.80' },
    });
    symlinkSync(join(folder.directory, 'nowhere'), join(first, 'broken-link.dcm'));
    symlinkSync(join(folder.directory, 'ct'), join(first, 'circle'));
    const { quarantine, inventory } = await read(folder.directory);
    expect(quarantine).toEqual({
      'file-unreadable': 1,
      'not-dicom': 2,
      'dicom-malformed': 1,
      'transfer-syntax-unsupported': 1,
      'pixel-data-truncated': 1,
      'pixel-data-damaged': 1,
      'not-ct': 1,
      'localiser-image': 1,
      'not-axial': 2,
      'duplicate-image': 1,
    });
    expect(inventory).toMatchObject({ patients: 12, slices: 30 });
  });

  test('does without any of the tables, and without images', async () => {
    site = createSiteFolder();
    site.series('P', { slices: 2 });
    const images = await read(site.directory);
    expect(images).toMatchObject({ clinicalInputWidth: 0, expressionInputWidth: null });
    expect(images.notes).toEqual(['There is no clinical table.', 'There is no expression table.']);
    site.remove();
    site = createSiteFolder();
    site.write('clinical.csv', 'id,Age\nA,60\nB,70\nC,80\n');
    const tables = await read(site.directory);
    expect(tables.inventory).toMatchObject({ patients: 3, slices: 0, clinical: 3 });
    expect(tables.notes[0]).toBe('There is no ct folder, so this site has no images.');
    expect(tables.images.count).toBe(0);
  });

  test('leaves out a table that cannot be read', async () => {
    const folder = usualSite();
    folder.write('clinical.csv', '\u0000\u0001\u0002');
    folder.write('expression.tsv', 'gene\tR01-004\nMYC\t1\n');
    const { quarantine, inventory, notes } = await read(folder.directory);
    expect(quarantine).toEqual({ 'clinical-table-unreadable': 1, 'expression-table-without-plan-genes': 1 });
    expect(inventory).toMatchObject({ patients: 10, clinical: 0, expression: 0 });
    expect(notes).toEqual(['The clinical table could not be read.', 'The expression table could not be used.']);
  });

  test('leaves the expression table unread when the plan has no genes', async () => {
    const folder = usualSite();
    const { expression: _unused, ...plan } = dataPlan();
    const { expressionInputWidth, notes } = await read(folder.directory, { plan });
    expect(expressionInputWidth).toBeNull();
    expect(notes).toHaveLength(1);
  });

  test('stops at an abort with its reason', async () => {
    const { directory } = usualSite();
    const controller = new AbortController();
    const reason = new Error('withdrawn');
    const reading = read(directory, { signal: controller.signal, onProgress: () => controller.abort(reason) });
    await expect(reading).rejects.toBe(reason);
    await expect(read(directory, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('says without a path that the folder cannot be opened', async () => {
    const reading = read('/nonexistent/SECRET-FOLDER');
    await expect(reading).rejects.toThrow("the site's folder cannot be opened (ENOENT)");
    await expect(reading).rejects.not.toThrow('SECRET');
  });
});

describe('readCohort() with a cache', () => {
  const decoded = async (directory: string, cacheDirectory: string) => {
    let decodedNow = 0;
    const cohort = await read(directory, {
      cacheDirectory,
      onProgress: ({ activity, done }) => {
        if (activity === 'decoding-slices' && done === 0) decodedNow = 1;
      },
    });
    return { cohort, fromCache: decodedNow === 0 };
  };

  test('gives the same cohort without decoding again', async () => {
    const { directory } = usualSite();
    const cache = join(directory, 'cache');
    const first = await decoded(directory, cache);
    const second = await decoded(directory, cache);
    expect([first.fromCache, second.fromCache]).toEqual([false, true]);
    expect(whole(second.cohort)).toEqual(whole(first.cohort));
  });

  test('decodes what is new or changed and drops what is gone', async () => {
    const folder = usualSite();
    const cache = join(folder.directory, 'cache');
    await decoded(folder.directory, cache);
    folder.series('R01-011', { slices: 2 });
    folder.series('R01-001', { slices: 3, slice: { pixels: new Int16Array(32 * 32).fill(1424) } });
    const { cohort } = await decoded(folder.directory, cache);
    expect(cohort.images.count).toBe(32);
    const bright = Array.from({ length: 32 }, (_, index) => cohort.images.levels[index * 32 * 32]).filter(
      (level) => level === 255,
    );
    expect(bright).toHaveLength(3);
    expect(whole(cohort)).toEqual(whole(await read(folder.directory)));
  });

  test('rebuilds a damaged cache', async () => {
    const { directory } = usualSite();
    const cache = join(directory, 'cache');
    const first = await decoded(directory, cache);
    const [file] = readdirSync(cache);
    const bytes = readFileSync(join(cache, file!));
    bytes[bytes.length >> 1]! ^= 0xff;
    writeFileSync(join(cache, file!), bytes);
    const second = await decoded(directory, cache);
    expect(second.fromCache).toBe(false);
    expect(whole(second.cohort)).toEqual(whole(first.cohort));
    expect((await decoded(directory, cache)).fromCache).toBe(true);
  });

  test('goes on without a cache that cannot be written', async () => {
    const { directory } = usualSite();
    const { cohort } = await decoded(directory, join(directory, 'clinical.csv', 'cache'));
    expect(cohort.images.count).toBe(30);
    expect(cohort.notes[0]).toBe(
      'The slice cache could not be written; the images will be decoded again at the next start.',
    );
  });
});
