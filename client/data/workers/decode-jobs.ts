/** What the decode workers are asked and what they answer. */
import type { ImageHeader } from '../dicom/image-header.ts';
import type { QuarantineReason } from '../quarantine/reasons.ts';

/** The frames of one file, whose header was read before. */
interface FrameSelection {
  readonly path: string;
  readonly header: ImageHeader;
  readonly frames: readonly number[];
}

export type DecodeJob =
  | { readonly kind: 'header'; readonly path: string }
  /** How often each stored number occurs, to find the range of a series without Hounsfield units. */
  | ({ readonly kind: 'histogram' } & FrameSelection)
  | ({
      readonly kind: 'slices';
      readonly sizePixels: number;
      /** Hounsfield units with `hounsfield`, where every frame has its own rescale; else stored numbers. */
      readonly window: { readonly kind: 'hounsfield' | 'own-range'; readonly low: number; readonly high: number };
    } & FrameSelection);

export type DecodeAnswer =
  | { readonly kind: 'unusable'; readonly reason: QuarantineReason }
  | { readonly kind: 'header'; readonly header: ImageHeader }
  /** [65536]; stored number n is counted at n + 32768 when signed, else at n. Padding is left out. */
  | { readonly kind: 'histogram'; readonly counts: Uint32Array }
  /** [frames, sizePixels, sizePixels] grey levels. */
  | { readonly kind: 'slices'; readonly levels: Uint8Array };

export interface DecodeWorkerData {
  /** Key of the keyed hashes that stand for identifiers. */
  readonly key: string;
}
