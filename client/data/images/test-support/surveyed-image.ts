import type { FrameHeader } from '../../dicom/image-header.ts';
import type { SliceReference } from '../image-series.ts';
import type { SurveyedImage } from '../survey-images.ts';

export interface SurveyedImageFacts {
  readonly path?: string;
  readonly patient?: string | null;
  readonly series?: string | null;
  readonly instanceNumber?: number | null;
  readonly frames?: readonly Partial<FrameHeader>[];
}

/** An image as the survey finds it, for tests of what is done with it. */
export function surveyedImage(facts: SurveyedImageFacts = {}): SurveyedImage {
  const { path = 'P-001/1.dcm', patient = 'P-001', series = 'S', instanceNumber = 1, frames = [{}] } = facts;
  return {
    file: { path: `/ct/${path}`, relativePath: path, folder: path.includes('/') ? path.split('/', 1)[0]! : null },
    header: {
      syntaxName: 'Explicit VR Little Endian',
      encoding: 'native',
      format: {
        rows: 32,
        columns: 32,
        frames: frames.length,
        bitsAllocated: 16,
        bitsStored: 16,
        highBit: 15,
        signed: true,
        padding: null,
        inverted: false,
      },
      pixels: { offset: 1000, length: 2048 * frames.length, deflated: false, bigEndian: false },
      patient,
      series,
      instance: path,
      instanceNumber,
      frames: frames.map((frame) => ({
        view: 'axial',
        locationMillimetres: 0,
        rescale: { slope: 1, intercept: -1024 },
        ...frame,
      })),
    },
  };
}

/** What a slice is called in expectations. */
export function sliceLabel({ image, frame }: SliceReference): string {
  return `${image.file.relativePath}#${frame}`;
}
