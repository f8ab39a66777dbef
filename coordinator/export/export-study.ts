/** Writes everything people get out of a study into one folder. */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import manifest from '../package.json' with { type: 'json' };
import { buildReport } from './build-report.ts';
import { modelCard } from './model-card.ts';
import { alignmentFile, sliceEncoderFile } from './model-files.ts';
import { reportPage } from './page/report-page.ts';
import type { Report } from './report-schema.ts';
import type { StudyRecord } from './study-record.ts';

export interface ExportOptions {
  /** Reads a blob of the coordinator's store. */
  readonly readBlob: (hash: Sha256Hex) => Promise<Uint8Array>;
  /** Made when it is not there; files of the same names are replaced. */
  readonly directory: string;
}

export interface ExportedStudy {
  readonly report: Report;
  /** Names of the files written, in the order a reader wants them. */
  readonly files: readonly string[];
}

/**
 * A study that has not finished gives a report of what there is; a stage that has not finished gives no weights.
 *
 * @throws {RangeError} when a stage's weights are not of the plan's size.
 */
export async function exportStudy(record: StudyRecord, { readBlob, directory }: ExportOptions): Promise<ExportedStudy> {
  const report = buildReport(record, { wardround: manifest.version, node: process.version });

  const weights: { name: string; bytes: Uint8Array }[] = [];
  for (const stage of record.stages) {
    if (stage.final === null) continue;
    const bytes = await readBlob(stage.final);
    const kind = record.plan.stages.find(({ name }) => name === stage.name)?.kind;
    if (kind === 'alignment') {
      weights.push({ name: 'alignment.safetensors', bytes: alignmentFile(record, stage, bytes) });
    } else {
      weights.push({ name: 'slice-encoder.safetensors', bytes: sliceEncoderFile(record, stage, bytes) });
    }
  }

  const files: { name: string; bytes: Uint8Array | string }[] = [
    { name: 'report.html', bytes: reportPage(report) },
    { name: 'report.json', bytes: `${JSON.stringify(report, null, 2)}\n` },
    ...weights,
    {
      name: 'model-card.md',
      bytes: modelCard(
        record,
        report,
        weights.map(({ name }) => name),
      ),
    },
    // Canonical, so that its hash can be checked against the one that the sites approved.
    { name: 'study-plan.json', bytes: `${canonicalJson(record.plan)}\n` },
  ];
  await mkdir(directory, { recursive: true });
  for (const { name, bytes } of files) await replaceFile(path.join(directory, name), bytes);
  return { report, files: files.map(({ name }) => name) };
}

/** A reader never sees half a file: it is written beside its place and then moved there. */
async function replaceFile(file: string, bytes: Uint8Array | string): Promise<void> {
  const draft = `${file}.${randomUUID()}.part`;
  try {
    await writeFile(draft, bytes);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
