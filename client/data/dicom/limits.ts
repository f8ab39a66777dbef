/** What a file may ask for. Far above any clinical CT, low enough that no file can exhaust a worker. */
export const LIMITS = {
  fileBytes: 1024 * 1024 * 1024,
  /** Header bytes before the pixel data. */
  headerBytes: 16 * 1024 * 1024,
  /** Data elements, sequence items and pixel data fragments together. */
  elements: 300_000,
  /** A deflated file may unpack to this much. */
  inflatedBytes: 512 * 1024 * 1024,
  /** Bytes of a value that is read as text. */
  textBytes: 1024,
  smallestSidePixels: 16,
  largestSidePixels: 4096,
  frames: 4096,
} as const;
