import type { ImageHeader } from '../dicom/image-header.ts';
import type { OnReadingProgress } from '../progress.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import type { ImageFile } from '../site-files.ts';
import type { DecodePool } from '../workers/decode-pool.ts';
import { mapConcurrently } from '../workers/map-concurrently.ts';

export interface SurveyedImage {
  readonly file: ImageFile;
  readonly header: ImageHeader;
}

/** Reads the headers of all files and keeps the CT images, each once, in the order of the files. */
export async function surveyImages(
  files: readonly ImageFile[],
  { pool, quarantine, onProgress }: { pool: DecodePool; quarantine: Quarantine; onProgress: OnReadingProgress },
): Promise<SurveyedImage[]> {
  let done = 0;
  const headers = await mapConcurrently(files, {
    limit: pool.concurrency,
    work: async ({ path }) => {
      const answer = await pool.run({ kind: 'header', path });
      done += 1;
      onProgress({ activity: 'reading-headers', done, total: files.length });
      if (answer.kind === 'header') return answer.header;
      quarantine.add(answer.kind === 'unusable' ? answer.reason : 'dicom-malformed');
      return null;
    },
  });
  const seen = new Set<string>();
  const images: SurveyedImage[] = [];
  for (const [index, file] of files.entries()) {
    const header = headers[index];
    if (header === null || header === undefined) continue;
    if (header.instance !== null && seen.has(header.instance)) {
      quarantine.add('duplicate-image');
      continue;
    }
    if (header.instance !== null) seen.add(header.instance);
    images.push({ file, header });
  }
  return images;
}
