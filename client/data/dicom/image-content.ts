/** Whether an image is a CT slice at all, from what it says about itself. */
import type { QuarantineReason } from '../quarantine/reasons.ts';
import { codeValues, type ElementSource, textValue } from './element-values.ts';

/** CT, Enhanced CT and Legacy Converted Enhanced CT Image Storage. */
const CT_STORAGE = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.2(\.[12])?$/;
const SECONDARY_CAPTURE = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.7(\.[1-4])?$/;

/** LOCALIZER is the standard's word (PS3.3 C.8.2.1.1.1); the others are manufacturers'. */
const LOCALISER_CODES = new Set(['LOCALIZER', 'LOCALISER', 'SCOUT', 'TOPOGRAM', 'TOPO', 'SURVIEW', 'SCANOGRAM']);
const DERIVED_PICTURE_CODES = new Set([
  ...['MIP', 'MINIP', 'MIN IP', 'MAXIP', 'MAX IP', 'PROJECTION IMAGE', 'VRT', 'VOLUME RENDERING', 'RENDERED'],
  ...[
    'SCREEN SAVE',
    'SCREENSAVE',
    'SCREENSHOT',
    'DOSE',
    'DOSE_INFO',
    'PERFUSION',
    'FUSION',
    'CURVE',
    'REPORT',
    'SUMMARY',
  ],
]);

/** Why the image is not wanted, or null for a CT slice. */
export function unwantedReason(source: ElementSource): QuarantineReason | null {
  const modality = textValue(source, 'modality')?.toUpperCase() ?? null;
  const sopClass = textValue(source, 'sopClass') ?? '';
  if (modality !== 'CT' && !(modality === null && CT_STORAGE.test(sopClass))) return 'not-ct';
  if (SECONDARY_CAPTURE.test(sopClass)) return 'secondary-capture';
  const imageType = codeValues(source, 'imageType');
  if (imageType.some((code) => LOCALISER_CODES.has(code))) return 'localiser-image';
  if (imageType.some((code) => DERIVED_PICTURE_CODES.has(code))) return 'derived-image';
  if (textValue(source, 'burnedInAnnotation')?.toUpperCase() === 'YES') return 'burned-in-annotation';
  return null;
}
