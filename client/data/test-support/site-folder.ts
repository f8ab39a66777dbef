/** A site's folder for tests: a few patients with small CT series and tables, written into a temporary folder. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type CtSlice, ctSlice, discPattern } from '../dicom/test-support/ct-slice.ts';

export interface SiteFolder {
  readonly directory: string;
  /** Writes a file, with its folders, below the site's. */
  write(path: string, content: string | Uint8Array): void;
  /** Writes a series of `slices` below `ct/` into the patient's folder. */
  series(patient: string, options?: SeriesOptions): void;
  remove(): void;
}

export interface SeriesOptions {
  readonly slices?: number;
  readonly name?: string;
  /** Folder below `ct/`; default the patient's id. */
  readonly folder?: string;
  readonly slice?: CtSlice;
}

/** Digits that follow from a text, for the numbers of a UID. */
function digits(text: string): number {
  return [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1_000_000_007, 7);
}

export function createSiteFolder(): SiteFolder {
  const directory = mkdtempSync(join(tmpdir(), 'wardround-site-'));
  const write = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  };
  return {
    directory,
    write,
    series: (patient, { slices = 3, name = 'a', folder = patient, slice = {} } = {}) => {
      const uid = `1.2.3.${digits(patient)}.${digits(name)}`;
      const sizePixels = slice.sizePixels ?? 32;
      for (let index = 0; index < slices; index += 1) {
        const pixels = discPattern(sizePixels, digits(patient) + index / 2).map((value) => value + 1024);
        const content = ctSlice({
          patient,
          series: uid,
          instance: `${uid}.${index}`,
          instanceNumber: index + 1,
          z: 5 * index,
          pixels,
          ...slice,
        });
        write(`ct/${folder}/${name}${String(index).padStart(3, '0')}.dcm`, content);
      }
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
