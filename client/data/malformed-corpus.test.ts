/** Fault 52: a site folder with files made to break its reader. Each is quarantined and counted, and all else is as without them. */
import { deflateRawSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { LIMITS } from './dicom/limits.ts';
import { type CtSlice, ctSlice, SYNTAX } from './dicom/test-support/ct-slice.ts';
import { writeDicom } from './dicom/test-support/write-dicom.ts';
import type { QuarantineReason } from './quarantine/reasons.ts';
import { readCohort } from './read-cohort.ts';
import { dataPlan } from './test-support/data-plan.ts';
import { createSiteFolder, type SiteFolder } from './test-support/site-folder.ts';

const sites: SiteFolder[] = [];
afterEach(() => {
  for (const site of sites.splice(0)) site.remove();
});

const PATIENTS = Array.from({ length: 6 }, (_, index) => `R01-00${index + 1}`);
const implicit = { transferSyntax: SYNTAX.implicit } as const;
const number = (tag: string, value: number): CtSlice => ({ change: { [tag]: { tag, vr: 'US', value: [value] } } });
const repeated = (unit: readonly number[], times: number): Uint8Array =>
  Buffer.concat([writeDicom({ ...implicit, elements: [] }), Buffer.alloc(unit.length * times, Buffer.from(unit))]);

/** A whole file whose element of this length says that it has another one. */
function lying(tag: readonly number[], length: number): Uint8Array {
  const bytes = Buffer.from(ctSlice({ ...implicit, sizePixels: 32 }));
  const at = bytes.lastIndexOf(Buffer.from(tag));
  expect(at).toBeGreaterThan(132);
  bytes.writeUInt32LE(length, at + 4);
  return bytes;
}

function bomb(): Uint8Array {
  const head = writeDicom({ transferSyntax: SYNTAX.deflated, elements: [] });
  return Buffer.concat([head.subarray(0, head.length - 2), deflateRawSync(Buffer.alloc(LIMITS.inflatedBytes + 1))]);
}

const ROWS = [0x28, 0x00, 0x10, 0x00];
const PIXELS = [0xe0, 0x7f, 0x10, 0x00];
const PRIVATE_EMPTY = [0x09, 0x00, 0x10, 0x10, 0x00, 0x00, 0x00, 0x00];
const OPEN_SEQUENCE = [8, 0, 0x40, 0x11, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0, 0xe0, 0xff, 0xff, 0xff, 0xff];

const CORPUS: readonly (readonly [string, () => Uint8Array, readonly QuarantineReason[]])[] = [
  ['empty', () => new Uint8Array(0), ['not-dicom']],
  ['a million elements', () => repeated(PRIVATE_EMPTY, 1_000_000), ['dicom-too-many-elements']],
  ['a hundred thousand sequences in one another', () => repeated(OPEN_SEQUENCE, 100_000), ['dicom-nested-too-deep']],
  ['a deflated file that unpacks without end', bomb, ['inflated-too-large']],
  ['pixels that are said to be of 4 GB', () => lying(PIXELS, 0xffff_fff0), ['pixel-length-mismatch']],
  ['pixels that are said to be none', () => lying(PIXELS, 0), ['no-pixel-data']],
  ['rows whose length reaches behind the end', () => lying(ROWS, 0x7fff_fff0), ['pixel-length-mismatch']],
  ['without rows', () => ctSlice({ change: { '00280010': null } }), ['image-attributes-missing']],
  ['65,535 columns', () => ctSlice(number('00280011', 65_535)), ['image-size-out-of-bounds']],
  ['cut off in its header', () => ctSlice().subarray(0, 300), ['dicom-malformed']],
];

/** A site with whole series of these patients, and what else is added to it. */
function siteWith(add: (site: SiteFolder) => void): SiteFolder {
  const site = createSiteFolder();
  sites.push(site);
  for (const patient of PATIENTS) site.series(patient, { slices: 3 });
  add(site);
  return site;
}

const read = ({ directory }: SiteFolder) => readCohort({ directory, plan: dataPlan(), workers: 2 });

test('fault 52: malformed DICOM files are quarantined and counted, and the site trains on all others as without them', {
  timeout: 60_000,
}, async () => {
  const clean = await read(siteWith(() => undefined));
  const site = siteWith((folder) => {
    for (const [index, [, make]] of CORPUS.entries()) folder.write(`ct/malformed/${index}.dcm`, make());
  });
  const harmed = await read(site);
  const counted = Object.values(harmed.quarantine).reduce((sum, count) => sum + count, 0);
  expect(counted).toBe(CORPUS.length);
  const left: Record<string, number> = { ...harmed.quarantine };
  for (const [name, , reasons] of CORPUS) {
    const reason = reasons.find((one) => (left[one] ?? 0) > 0);
    expect(reason, `${name}: ${JSON.stringify(harmed.quarantine)}`).toBeDefined();
    left[reason!] = left[reason!]! - 1;
  }
  expect(Object.keys(harmed.quarantine)).not.toContain('decoder-crashed');
  expect(Object.keys(harmed.quarantine)).not.toContain('decoder-timed-out');
  expect(harmed.inventory).toEqual(clean.inventory);
  expect(Buffer.from(harmed.images.levels).equals(Buffer.from(clean.images.levels))).toBe(true);
});
