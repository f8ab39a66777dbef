/** Where a slice lies and which way it faces (PS3.3 C.7.6.2). */
import { codeValues, decimalValues, type ElementSource } from './element-values.ts';

export interface SliceGeometry {
  /** `unknown` when the file does not say; such slices are taken as axial, which nearly all CT is. */
  readonly view: 'axial' | 'not-axial' | 'unknown';
  /** Millimetres along the slice normal, growing towards the head; null without a position. */
  readonly locationMillimetres: number | null;
}

/** A gantry may be tilted this far; beyond it the slice shows other anatomy. */
const AXIAL_WITHIN_DEGREES = 20;
const AXIAL_COSINE = Math.cos((AXIAL_WITHIN_DEGREES * Math.PI) / 180);
const OTHER_VIEWS = new Set(['CORONAL', 'SAGITTAL', 'OBLIQUE', 'COR', 'SAG']);

/** The unit normal of the slice, turned towards the head; null when the two directions are no plane. */
function unitNormal(orientation: readonly number[]): [number, number, number] | null {
  const [rx, ry, rz, cx, cy, cz] = orientation as [number, number, number, number, number, number];
  const normal = [ry * cz - rz * cy, rz * cx - rx * cz, rx * cy - ry * cx] as const;
  const length = Math.hypot(...normal);
  // Directions are unit vectors at a right angle; rounding in the file moves the product only a little.
  if (!(length > 0.9 && length < 1.1)) return null;
  const sign = normal[2] < 0 ? -1 / length : 1 / length;
  return [normal[0] * sign, normal[1] * sign, normal[2] * sign];
}

/**
 * @param orientation the source that holds the orientation
 * @param options the source of the position, and the codes of the image type for files without orientation
 */
export function sliceGeometry(
  orientation: ElementSource,
  { position, imageType }: { position: ElementSource; imageType: ElementSource },
): SliceGeometry {
  const directions = decimalValues(orientation, { tag: 'imageOrientation', count: 6 });
  const normal = directions === null ? null : unitNormal(directions);
  const corner = decimalValues(position, { tag: 'imagePosition', count: 3 });
  if (normal === null) {
    const codes = codeValues(imageType, 'imageType');
    const view = codes.some((code) => OTHER_VIEWS.has(code))
      ? 'not-axial'
      : codes.includes('AXIAL')
        ? 'axial'
        : 'unknown';
    return { view, locationMillimetres: corner?.[2] ?? null };
  }
  return {
    view: normal[2] >= AXIAL_COSINE ? 'axial' : 'not-axial',
    locationMillimetres:
      corner === null ? null : corner[0]! * normal[0] + corner[1]! * normal[1] + corner[2]! * normal[2],
  };
}
