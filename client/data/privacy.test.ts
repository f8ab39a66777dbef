/** What identifies a patient goes in everywhere it occurs in practice and must come out nowhere. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { inspectDirectory } from './inspect.ts';
import { readCohort } from './read-cohort.ts';
import { dataPlan } from './test-support/data-plan.ts';
import { expectNoIdentifier, plantIdentifiers } from './test-support/plant-identifiers.ts';
import type { SiteFolder } from './test-support/site-folder.ts';

let site: SiteFolder | undefined;
afterEach(() => {
  site?.remove();
  vi.restoreAllMocks();
});

function plant(): SiteFolder {
  site = plantIdentifiers();
  return site;
}

describe('identifiers of patients', () => {
  test('appear in nothing that a cohort says', async () => {
    const written = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')];
    const folder = plant();
    const cacheDirectory = join(folder.directory, 'cache');
    const progress: unknown[] = [];
    const cohort = await readCohort({
      directory: folder.directory,
      plan: dataPlan(),
      workers: 2,
      cacheDirectory,
      onProgress: (step) => progress.push(step),
    });
    // The planted faults were met, so their reports were there to leak.
    expect(cohort.quarantine).toMatchObject({
      'not-dicom': 1,
      'image-attributes-missing': 1,
      'pixel-data-damaged': 1,
      'clinical-row-too-long': 1,
      'clinical-cell-not-a-number': 1,
      'expression-row-damaged': 1,
      'expression-patient-unusable': 1,
    });
    expect(cohort.inventory).toMatchObject({ series: 3, slices: 3 });
    const { images, ...said } = cohort;
    expect(images.count).toBe(3);
    expectNoIdentifier(JSON.stringify(said));
    expectNoIdentifier(JSON.stringify(progress));
    for (const file of readdirSync(cacheDirectory)) {
      expectNoIdentifier(file);
      expectNoIdentifier(readFileSync(join(cacheDirectory, file), 'latin1'));
    }
    for (const stream of written) expectNoIdentifier(JSON.stringify(stream.mock.calls.map(([text]) => String(text))));
  });

  test('appear in nothing that an inspection says', async () => {
    const folder = plant();
    expectNoIdentifier(JSON.stringify(await inspectDirectory({ directory: folder.directory, workers: 2 })));
    expectNoIdentifier(
      JSON.stringify(await inspectDirectory({ directory: folder.directory, plan: dataPlan(), workers: 2 })),
    );
  });

  test('appear in no error', async () => {
    const folder = plant();
    const message = (reading: Promise<unknown>) =>
      reading.then(
        () => 'no error',
        (error) => `${error.message} ${error.stack} ${JSON.stringify(error)}`,
      );
    const missing = await message(readCohort({ directory: join(folder.directory, 'KANARIENVOGEL'), plan: dataPlan() }));
    const notFolder = await message(
      readCohort({ directory: join(folder.directory, 'ct', 'KANARIENVOGEL.txt'), plan: dataPlan() }),
    );
    const aborted = await message(
      readCohort({ directory: folder.directory, plan: dataPlan(), signal: AbortSignal.timeout(1) }),
    );
    for (const text of [missing, notFolder, aborted]) {
      expect(text).not.toContain('no error');
      expectNoIdentifier(text);
    }
  });
});
