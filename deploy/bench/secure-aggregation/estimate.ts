/** How long measuring takes, roughly, so that whoever starts it knows: from what a 4-core server took, scaled to the cores. */
import { availableParallelism } from 'node:os';
import { sessionParameters } from '@wardround/protocols/secure-aggregation/parameters.ts';
import { coordinatorRepeats, type MeasuredCase } from './measured-case.ts';

/** To start processes, measure the floor and exchange the messages of few sites. */
const CASE_SECONDS = 2.5;
/** To play the sessions, for each neighbour of each site. */
const PAIR_SECONDS = 0.0006;
/** Processor time for each gigabyte: of a mask, and of an upload that is opened and added. */
const MASK_SECONDS = 0.25;
const UPLOAD_SECONDS = 0.8;
/** For each gigabyte of a model that is written and put on the disk. */
const DISK_SECONDS = 8;

export function estimateSeconds(
  cases: readonly MeasuredCase[],
  { cores = availableParallelism() }: { readonly cores?: number } = {},
): number {
  const played = new Set(cases.map(({ sites }) => sites));
  let seconds = 0;
  for (const sites of played) seconds += PAIR_SECONDS * sites * sessionParameters(sites).degree;
  for (const measured of cases) {
    const { sites, parameters, codeBits, dropouts, repeats } = measured;
    const { degree } = sessionParameters(sites);
    const gigabytes = ((codeBits / 8) * parameters) / 1e9;
    const masks = sites - dropouts + dropouts * degree;
    const adding = 1 + (coordinatorRepeats(measured) > 1 ? repeats : 0);
    const masking = MASK_SECONDS * ((repeats + 2) * (degree + 1) + masks * (1 + adding));
    const opening = UPLOAD_SECONDS * sites * adding;
    seconds += CASE_SECONDS + gigabytes * ((masking + opening) / cores + DISK_SECONDS * (1 + adding / 2));
  }
  return seconds;
}
