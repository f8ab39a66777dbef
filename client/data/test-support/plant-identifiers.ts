/** What identifies a patient, planted everywhere it occurs in practice, and the search for it in what comes out. */
import { expect } from 'vitest';
import { linkageKey, patientKey } from '../keyed-hash.ts';
import { createSiteFolder, type SiteFolder } from './site-folder.ts';

const ID = 'Canary-q4711w';
/** Each holds a letter that no hash has, or is too long to appear in one by chance. */
const CANARIES = ['canary', 'q4711w', 'KANARIENVOGEL', '19340229', '1.2.826.77.88.99', 'St-Elsewhere', 'feathers'];
/** What stands for the id inside must not come out either. */
const KEYS = [patientKey(ID, linkageKey(7)), patientKey(`${ID}-2`, linkageKey(7))];

/** A site that repeats the canaries in ids, names, dates, UIDs, paths, headings, cells, genes and damaged files. */
export function plantIdentifiers(): SiteFolder {
  const site = createSiteFolder();
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

/** Neither a planted word nor what stands for a patient inside. */
export function expectNoIdentifier(text: string): void {
  for (const canary of CANARIES) expect(text.toLowerCase()).not.toContain(canary.toLowerCase());
  for (const key of KEYS) expect(text).not.toContain(key);
}
