/** Writes everything people get out of a study into one folder. */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import manifest from '../package.json' with { type: 'json' };
import type { OpenBlob } from '../storage/blob-store.ts';
import { buildReport } from './build-report.ts';
import { modelCard } from './model-card.ts';
import { alignmentFile, sliceEncoderFile } from './model-files.ts';
import { reportPage } from './page/report-page.ts';
import type { Report } from './report-schema.ts';
import type { StageRecord, StudyRecord } from './study-record.ts';

export interface ExportOptions {
  /** Opens a blob of the coordinator's store. */
  readonly openBlob: (hash: Sha256Hex) => Promise<OpenBlob>;
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
export async function exportStudy(record: StudyRecord, { openBlob, directory }: ExportOptions): Promise<ExportedStudy> {
  const report = buildReport(record, { wardround: manifest.version, node: process.version });

  const weights = record.stages.flatMap((stage) => {
    if (stage.final === null) return [];
    const kind = record.plan.stages.find(({ name }) => name === stage.name)?.kind;
    const name = kind === 'alignment' ? 'alignment.safetensors' : 'slice-encoder.safetensors';
    return [{ name, content: modelPieces(record, { stage, blob: stage.final, openBlob }) }];
  });

  const files: { name: string; content: AsyncIterable<Uint8Array> | string }[] = [
    { name: 'report.html', content: reportPage(report) },
    { name: 'report.json', content: `${JSON.stringify(report, null, 2)}\n` },
    ...weights,
    {
      name: 'model-card.md',
      content: modelCard(
        record,
        report,
        weights.map(({ name }) => name),
      ),
    },
    // Canonical, so that its hash can be checked against the one that the sites approved.
    { name: 'study-plan.json', content: `${canonicalJson(record.plan)}\n` },
  ];
  await mkdir(directory, { recursive: true });
  for (const { name, content } of files) await replaceFile(path.join(directory, name), content);
  return { report, files: files.map(({ name }) => name) };
}

/** A stage's file, piece by piece: encoders may be larger than what should lie in memory. */
async function* modelPieces(
  record: StudyRecord,
  { stage, blob, openBlob }: { stage: StageRecord; blob: Sha256Hex; openBlob: ExportOptions['openBlob'] },
): AsyncGenerator<Uint8Array> {
  await using weights = await openBlob(blob);
  const kind = record.plan.stages.find(({ name }) => name === stage.name)?.kind;
  yield* kind === 'alignment' ? alignmentFile(record, stage, weights) : sliceEncoderFile(record, stage, weights);
}

/** A reader never sees half a file: it is written beside its place and then moved there. */
async function replaceFile(file: string, content: AsyncIterable<Uint8Array> | string): Promise<void> {
  const draft = `${file}.${randomUUID()}.part`;
  try {
    await writeFile(draft, content);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
