/** Reads of one site's folder what the author of a plan has to know (see site-survey.ts), with the site client's own readers. */
import { randomBytes } from 'node:crypto';
import { type ClinicalTable, readClinicalTable } from '@wardround/client/data/clinical/clinical-table.ts';
import { geneName, isGeneColumn } from '@wardround/client/data/expression/gene-names.ts';
import { imageSeries } from '@wardround/client/data/images/image-series.ts';
import { candidateKeys, linkImages } from '@wardround/client/data/images/link-images.ts';
import { surveyImages } from '@wardround/client/data/images/survey-images.ts';
import { type KeyedHash, patientKey } from '@wardround/client/data/keyed-hash.ts';
import { createQuarantine } from '@wardround/client/data/quarantine/quarantine.ts';
import { UnusableError } from '@wardround/client/data/quarantine/unusable-error.ts';
import { findSiteFiles } from '@wardround/client/data/site-files.ts';
import { delimiterOf } from '@wardround/client/data/tables/delimiter.ts';
import { isIdHeading } from '@wardround/client/data/tables/headings.ts';
import { isMissing } from '@wardround/client/data/tables/missing.ts';
import { readLines } from '@wardround/client/data/tables/read-lines.ts';
import { splitLine } from '@wardround/client/data/tables/split-line.ts';
import { createDecodePool } from '@wardround/client/data/workers/decode-pool.ts';
import { plainText } from './label-rules.ts';
import type { SiteSurvey } from './site-survey.ts';

/** Longer headings and values are free text: no label, no gene, and nothing a plan could hold. */
const longestWord = 200;
const longestGene = 60;
const longestLine = 32 * 1024 * 1024;

/**
 * @throws {Error} when the folder cannot be opened.
 */
export async function surveySite(
  directory: string,
  { site, signal }: { site: string; signal?: AbortSignal },
): Promise<SiteSurvey> {
  // What cannot be used is the client's to count, when it reads the data for the study.
  const quarantine = createQuarantine();
  const key = randomBytes(16).toString('hex');
  const keyOf = (id: string): KeyedHash | null => (isMissing(id) ? null : patientKey(id, key));
  const files = await findSiteFiles(directory, { quarantine, signal });
  const pool = createDecodePool({ key, signal });
  try {
    const images = await surveyImages(files.images ?? [], { pool, quarantine, onProgress: () => {} });
    const known = candidateKeys(images, keyOf);
    const clinical = files.clinical === null ? null : await readTable(files.clinical, { keyOf, known });
    const tables = new Set(clinical?.rows.keys());
    const linked = linkImages(images, { keyOf, tables, quarantine });
    const withCt = new Set(
      [...linked.images].filter(([, own]) => imageSeries(own, quarantine).length > 0).map(([patient]) => patient),
    );
    return {
      site,
      patientsWithCt: withCt.size,
      columns: clinical === null ? [] : countValues(clinical, withCt),
      genes:
        files.expression === null
          ? null
          : await readGenes(files.expression, { keyOf, known: new Set([...known, ...tables]) }),
    };
  } finally {
    await pool.close();
  }
}

interface Linkage {
  readonly keyOf: (id: string) => KeyedHash | null;
  readonly known: ReadonlySet<KeyedHash>;
}

/** A table that the client cannot read is no reason not to run: the client will count it. */
async function readTable(path: string, linkage: Linkage): Promise<ClinicalTable | null> {
  try {
    return await readClinicalTable(path, { ...linkage, quarantine: createQuarantine() });
  } catch (error) {
    if (error instanceof UnusableError) return null;
    throw error;
  }
}

function countValues({ headings, rows }: ClinicalTable, withCt: ReadonlySet<KeyedHash>): SiteSurvey['columns'] {
  const columns = headings.map((heading) => ({ heading, values: new Map<string, number>() }));
  for (const [patient, cells] of rows) {
    if (!withCt.has(patient)) continue;
    for (const [index, { values }] of columns.entries()) {
      const value = cells[index]?.trim() ?? '';
      if (!isMissing(value) && value.length <= longestWord) values.set(value, (values.get(value) ?? 0) + 1);
    }
  }
  return columns.filter(({ heading }) => plainText(heading) !== '' && heading.length <= longestWord);
}

/** Gene names of a table with genes as rows (the headings are patients) or as columns. */
async function readGenes(path: string, { keyOf, known }: Linkage): Promise<string[] | null> {
  const genes = new Set<string>();
  let rows: { readonly delimiter: ReturnType<typeof delimiterOf> } | null = null;
  for await (const line of readLines(path, { mostCharacters: longestLine })) {
    if (line === null || line.trim() === '' || line.startsWith('#')) continue;
    if (rows !== null) {
      genes.add(geneName(splitLine(line.slice(0, 1000), rows.delimiter)[0] ?? ''));
      continue;
    }
    const delimiter = delimiterOf(line);
    const headings = splitLine(line, delimiter);
    const namesPatients = headings.some((heading) => known.has(keyOf(heading) ?? ''));
    if (!namesPatients && !isGeneColumn(headings[0] ?? '')) {
      for (const heading of headings) if (!isIdHeading(heading)) genes.add(geneName(heading));
      break;
    }
    rows = { delimiter };
  }
  const names = [...genes].filter((gene) => gene !== '' && gene.length <= longestGene);
  return names.length === 0 ? null : names;
}
