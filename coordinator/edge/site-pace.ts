/** What the coordinator lets each site send and fetch in a second, where its administrator has set a limit. */
import type { Pace } from '@wardround/shared/streams/pace.ts';

export interface SitePace {
  readonly pace: Pace;
  readonly bytesPerSecond: number;
}

export async function* paced<Slice extends Uint8Array>(
  slices: AsyncIterable<Slice>,
  { pace: { pace, bytesPerSecond }, site }: { readonly pace: SitePace; readonly site: string },
): AsyncGenerator<Slice> {
  for await (const slice of slices) {
    await pace.pass(site, { bytes: slice.byteLength, bytesPerSecond });
    yield slice;
  }
}
