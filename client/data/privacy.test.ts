/** What identifies a patient goes in everywhere it occurs in practice and must come out nowhere. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { inspectDirectory } from './inspect.ts';
import { linkageKey, patientKey } from './keyed-hash.ts';
import { readCohort } from './read-cohort.ts';
import { dataPlan } from './test-support/data-plan.ts';
import { createSiteFolder, type SiteFolder } from './test-support/site-folder.ts';

const ID = 'Canary-q4711w';
/** Each holds a letter that no hash has, or is too long to appear in one by chance. */
const CANARIES = ['canary', 'q4711w', 'KANARIENVOGEL', '19340229', '1.2.826.77.88.99', 'St-Elsewhere', 'feathers'];
/** What stands for the id inside must not come out either. */
const KEYS = [patientKey(ID, linkageKey(7)), patientKey(`${ID}-2`, linkageKey(7))];

let site: SiteFolder | undefined;
afterEach(() => {
  site?.remove();
  vi.restoreAllMocks();
});

/** A site that repeats the canaries in ids, names, dates, UIDs, paths, headings, cells, genes and damaged files. */
function plant(): SiteFolder {
  site = createSiteFolder();
  const personal = {
    '00100010': { tag: '00100010', vr: 'PN', value: 'KANARIENVOGEL^Hans' },
    '00100030': { tag: '00100030', vr: 'DA', value: '19340229' },
    '00080080': { tag: '00080080', vr: 'LO', value: 'St-Elsewhere' },
    '00081030': { tag: '00081030', vr: 'LO', value: 'lost feathers' },
  };
  const uids = { study: '1.2.826.77.88.99.1', series: '1.2.826.77.88.99.2', instance: '1.2.826.77.88.99.3' };
  site.series(ID, { slices: 2, folder: 'KANARIENVOGEL_Hans/St-Elsewhere', slice: { change: personal } });
  site.series(`${ID}-2`, { slices: 1, slice: { change: personal, ...uids } });
  const damaged = { change: { ...personal, '00280010': null }, ...uids, instance: '1.2.826.77.88.99.4' };
  site.series(`${ID}-3`, { slices: 1, slice: damaged });
  const broken = { encapsulated: { fragments: [new TextEncoder().encode(`${ID} KANARIENVOGEL`)] } };
  const loaded = {
    ...broken,
    transferSyntax: '1.2.840.10008.1.2.4.90',
    instance: '1.2.826.77.88.99.5',
    change: personal,
  };
  site.series(`${ID}-4`, { slices: 1, slice: loaded });
  site.write('ct/KANARIENVOGEL.txt', 'St-Elsewhere, 19340229');
  const rows = [
    `${ID},70,a,lost feathers,yes`,
    `${ID}-2,lost feathers,b,lost feathers,KANARIENVOGEL`,
    `${ID}-5,71,a,x,no,q4711w`,
  ];
  const more = Array.from(
    { length: 8 },
    (_, index) => `P${index},${60 + index},${index % 2 === 0 ? 'a' : 'b'},t${index},yes`,
  );
  site.write('clinical.csv', `id,Canary age,Canary group,Remarks,Response\n${[...rows, ...more].join('\n')}\n`);
  site.write(
    'expression.tsv',
    `gene\t${ID}\t${ID}-2\nTP53\t1\tlost feathers\nEGFR\t2\t3\nKRAS\t1\tq4711wx\nCanary\t1\n`,
  );
  return site;
}

function expectNoCanary(text: string): void {
  for (const canary of CANARIES) expect(text.toLowerCase()).not.toContain(canary.toLowerCase());
  for (const key of KEYS) expect(text).not.toContain(key);
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
    expectNoCanary(JSON.stringify(said));
    expectNoCanary(JSON.stringify(progress));
    for (const file of readdirSync(cacheDirectory)) {
      expectNoCanary(file);
      expectNoCanary(readFileSync(join(cacheDirectory, file), 'latin1'));
    }
    for (const stream of written) expectNoCanary(JSON.stringify(stream.mock.calls.map(([text]) => String(text))));
  });

  test('appear in nothing that an inspection says', async () => {
    const folder = plant();
    expectNoCanary(JSON.stringify(await inspectDirectory({ directory: folder.directory, workers: 2 })));
    expectNoCanary(
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
      expectNoCanary(text);
    }
  });
});
