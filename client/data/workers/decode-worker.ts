/** A decode worker: reads, parses, decodes, windows and resizes files, and answers with numbers and reasons only. */
import { workerData } from 'node:worker_threads';
import { type Display, greyTable, isPadding, storedNumber } from '../dicom/grey-table.ts';
import type { PixelFormat } from '../dicom/pixel-format.ts';
import { readFrames, readHeaderOfFile } from '../dicom/read-image-file.ts';
import { resizeSlice } from '../dicom/resize-slice.ts';
import type { QuarantineReason } from '../quarantine/reasons.ts';
import { UnusableError } from '../quarantine/unusable-error.ts';
import { type Answered, answerJobs } from './answer-jobs.ts';
import type { DecodeAnswer, DecodeJob, DecodeWorkerData } from './decode-jobs.ts';

const { key } = workerData as DecodeWorkerData;
const HISTOGRAM_SIZE = 65_536;

let recent: { name: string; table: Float32Array } | null = null;

/** Slices of a series follow each other and share their table. */
function tableFor(format: PixelFormat, display: Display): Float32Array {
  const { rows: _rows, columns: _columns, frames: _frames, ...bits } = format;
  const name = JSON.stringify([bits, display]);
  if (recent?.name !== name) recent = { name, table: greyTable(format, display) };
  return recent.table;
}

async function histogram({ path, header, frames }: Extract<DecodeJob, { kind: 'histogram' }>): Promise<Uint32Array> {
  const { format } = header;
  const counts = new Uint32Array(HISTOGRAM_SIZE);
  const zero = format.signed ? HISTOGRAM_SIZE / 2 : 0;
  for (const samples of await readFrames(path, { header, frames })) {
    for (const pattern of samples) if (!isPadding(pattern, format)) counts[storedNumber(pattern, format) + zero]! += 1;
  }
  return counts;
}

async function slices({
  path,
  header,
  frames,
  window,
  sizePixels,
}: Extract<DecodeJob, { kind: 'slices' }>): Promise<Uint8Array> {
  const { format } = header;
  const { low, high } = window;
  const decoded = await readFrames(path, { header, frames });
  const levels = new Uint8Array(decoded.length * sizePixels * sizePixels);
  for (const [index, samples] of decoded.entries()) {
    const rescale = header.frames[frames[index]!]?.rescale ?? null;
    if (window.kind === 'hounsfield' && rescale === null) throw new UnusableError('image-attributes-missing');
    const display: Display =
      window.kind === 'hounsfield' && rescale !== null
        ? { kind: 'hounsfield', rescale, low, high }
        : { kind: 'own-range', low, high };
    const table = tableFor(format, display);
    const { rows, columns } = format;
    levels.set(resizeSlice(samples, { rows, columns, sizePixels, table }), index * sizePixels * sizePixels);
  }
  return levels;
}

async function answer(job: DecodeJob): Promise<Answered<DecodeAnswer>> {
  switch (job.kind) {
    case 'header':
      return { answer: { kind: 'header', header: readHeaderOfFile(job.path, { key }) }, transfer: [] };
    case 'histogram': {
      const counts = await histogram(job);
      return { answer: { kind: 'histogram', counts }, transfer: [counts.buffer as ArrayBuffer] };
    }
    case 'slices': {
      const levels = await slices(job);
      return { answer: { kind: 'slices', levels }, transfer: [levels.buffer as ArrayBuffer] };
    }
    default:
      return job satisfies never;
  }
}

answerJobs(async (job: DecodeJob): Promise<Answered<DecodeAnswer>> => {
  try {
    return await answer(job);
  } catch (error) {
    // Anything without a reason of its own comes from a library that met damaged data, or from memory that ran out.
    const otherwise: QuarantineReason = job.kind === 'header' ? 'dicom-malformed' : 'pixel-data-damaged';
    return {
      answer: { kind: 'unusable', reason: error instanceof UnusableError ? error.reason : otherwise },
      transfer: [],
    };
  }
});
