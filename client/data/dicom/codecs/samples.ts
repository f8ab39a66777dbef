/** One frame's pixels as stored patterns, row by row: 8 or 16 bits as `bitsAllocated` says. */
export type Samples = Uint8Array | Uint16Array;

export interface FrameShape {
  readonly rows: number;
  readonly columns: number;
  readonly bitsAllocated: 8 | 16;
}

export function createSamples({ rows, columns, bitsAllocated }: FrameShape): Samples {
  return bitsAllocated === 8 ? new Uint8Array(rows * columns) : new Uint16Array(rows * columns);
}
