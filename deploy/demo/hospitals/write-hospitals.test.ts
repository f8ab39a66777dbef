import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readSite } from '@wardround/client/data/read-site.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultHospitals } from './default-hospitals.ts';
import type { HospitalSummary } from './hospital-summary.ts';
import { demoPlanFields } from './study-fields.ts';
import { writeHospitals } from './write-hospitals.ts';

const PATIENTS = 20;
let root: string;
let directory: string;
let summary: HospitalSummary;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'wardround-hospitals-'));
  directory = path.join(root, 'first');
  summary = await writeHospitals({ directory, seed: 42, patientsPerSite: PATIENTS });
});

afterAll(() => rm(root, { recursive: true, force: true }));

/** One hash over every file's place and content, in the order of the places. */
async function hashOfFiles(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const places = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort();
  const lines = await Promise.all(
    places.map(async (place) => `${place} ${sha256Hex(await readFile(path.join(folder, place)))}\n`),
  );
  return sha256Hex(lines.join(''));
}

describe('writeHospitals()', () => {
  test('gives the same bytes for the same seed, the ones it gave before', async () => {
    const again = path.join(root, 'again');
    await writeHospitals({ directory: again, seed: 42, patientsPerSite: PATIENTS });
    const hash = await hashOfFiles(directory);
    expect(await hashOfFiles(again)).toBe(hash);
    expect(hash).toBe('3e7773c522f75156f6bd4a7d99e1fb1d2c021921d1c30469202c30848eeae8b2');
  });

  test('gives other bytes for another seed', async () => {
    const [first] = defaultHospitals;
    const other = path.join(root, 'other');
    await writeHospitals({ directory: other, seed: 43, patientsPerSite: PATIENTS, sites: [first!] });
    const table = (folder: string) => readFile(path.join(folder, first!.name, 'clinical.csv'), 'utf8');
    expect(await table(other)).not.toBe(await table(directory));
  });

  test.each(defaultHospitals)('lays out what a site client finds, and what it quarantines: $name', async ({ name }) => {
    const { windowHounsfield, clinical, expression, tasks } = demoPlanFields();
    const { cohort } = await readSite({
      directory: path.join(directory, name),
      plan: {
        imaging: { sizePixels: 64, windowHounsfield, maximumSlicesPerPatient: 16 },
        clinical,
        expression,
        evaluation: {
          heldOutFraction: 0.3,
          tasks,
          fewShot: { shots: [1], seeds: 1 },
          minimumPatients: 2,
          trainAlone: false,
        },
        seed: 1,
      },
      workers: 1,
    });
    const expected = summary.sites.find((site) => site.name === name)!;
    expect(cohort.inventory).toMatchObject(expected.inventory);
    expect(cohort.quarantine).toEqual(expected.quarantine);
    for (const task of tasks) {
      const labels = cohort.patients.map((patient) => patient.labels[task.name]);
      const known = labels.filter((label) => label === 0 || label === 1);
      expect(known.length).toBeGreaterThan(0.7 * PATIENTS);
      expect(new Set(known).size).toBe(2);
    }
  });

  test('refuses a folder that holds something, and too few patients', async () => {
    const busy = path.join(root, 'busy');
    await mkdir(path.join(busy, 'northgate'), { recursive: true });
    await writeFile(path.join(busy, 'northgate', 'note.txt'), 'x');
    await expect(writeHospitals({ directory: busy, seed: 1, patientsPerSite: PATIENTS })).rejects.toThrow(
      'its folder must be empty, found 1 entries',
    );
    await expect(writeHospitals({ directory: path.join(root, 'few'), seed: 1, patientsPerSite: 3 })).rejects.toThrow(
      RangeError,
    );
  });
});
