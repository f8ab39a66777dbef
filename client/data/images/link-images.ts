/** Whose image it is: by the DICOM patient id, or by the folder below `ct/` where that fits the tables better. */
import type { KeyedHash } from '../keyed-hash.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import type { SurveyedImage } from './survey-images.ts';

export interface LinkedImages {
  readonly images: ReadonlyMap<KeyedHash, readonly SurveyedImage[]>;
  readonly linkedBy: 'patient-id' | 'folder';
}

export interface LinkOptions {
  /** The key of a folder's name. */
  readonly keyOf: (name: string) => KeyedHash | null;
  /** Patients of the tables. */
  readonly tables: ReadonlySet<KeyedHash>;
  readonly quarantine: Quarantine;
}

/** Both keys an image could be linked by, for choosing the id column of a table. */
export function candidateKeys(images: readonly SurveyedImage[], keyOf: LinkOptions['keyOf']): Set<KeyedHash> {
  const keys = images.flatMap(({ file, header }) => [header.patient, file.folder === null ? null : keyOf(file.folder)]);
  return new Set(keys.filter((key) => key !== null));
}

/**
 * Pseudonymised exports often carry the id of the tables in the folder's name only. So the folder is taken when it matches
 * more patients of the tables than the DICOM id does, and where an image has no DICOM id.
 */
export function linkImages(images: readonly SurveyedImage[], { keyOf, tables, quarantine }: LinkOptions): LinkedImages {
  const folderKey = ({ file }: SurveyedImage) => (file.folder === null ? null : keyOf(file.folder));
  const matches = (key: (image: SurveyedImage) => KeyedHash | null) =>
    [...new Set(images.map(key))].filter((candidate) => candidate !== null && tables.has(candidate)).length;
  const byFolder = matches(folderKey) > matches(({ header }) => header.patient);
  const linked = new Map<KeyedHash, SurveyedImage[]>();
  for (const image of images) {
    const [first, second] = [image.header.patient, folderKey(image)];
    const key = byFolder ? (second ?? first) : (first ?? second);
    if (key === null) {
      quarantine.add('patient-id-missing');
      continue;
    }
    const group = linked.get(key);
    if (group === undefined) linked.set(key, [image]);
    else group.push(image);
  }
  return { images: linked, linkedBy: byFolder ? 'folder' : 'patient-id' };
}
