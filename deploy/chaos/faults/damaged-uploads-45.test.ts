/**
 * Fault 45: what a site uploads is damaged, at the site or on the line. It is refused before anything is added, the site
 * sends it again, the others do not notice, and the weights are those of the fault-free run. Segments in another order, which
 * need more than a MiB, are in coordinator/edge/damaged-uploads.test.ts.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CoordinatorRefusedError } from '@wardround/client/link/errors.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import type { Tampering } from '../consortium/run-site.ts';
import type { Fate } from '../link/chaos-proxy.ts';
import { modelsOf } from '../oracles/promises.ts';
import { endpointOf } from './endpoint-of.ts';
import { faultFreeModels } from './fault-free-models.ts';
import { outcomesOf, siteNames, startAll, throughFault } from './through-fault.ts';

const damages: readonly ((bytes: Buffer) => Buffer)[] = [
  (bytes) => bytes.subarray(0, -100),
  (bytes) => bytes.subarray(0, 10),
  (bytes) => Buffer.concat([bytes, Buffer.alloc(4)]),
  // A bit of what is sealed, and one of the envelope's head.
  (bytes) => flipped(bytes, bytes.length - 200),
  (bytes) => flipped(bytes, 3),
  // Two parts in each other's place.
  (bytes) =>
    Buffer.concat([bytes.subarray(0, 200), bytes.subarray(264, 328), bytes.subarray(200, 264), bytes.subarray(328)]),
];
const plan = chaosPlan({ name: 'damaged', rounds: damages.length, quorum: 3 });
const flippedOnce = chaosPlan({ name: 'flipped-once', rounds: 1, quorum: 3 });
let unharmed: readonly string[];
beforeAll(async () => {
  unharmed = await faultFreeModels(plan, { sites: 3 });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = copy[at]! ^ 1;
  return copy;
}

describe.concurrent('an upload that is damaged', () => {
  test('fault 45: at the site, is refused before it is added and sent again, and the others do not notice', {
    timeout: 180_000,
  }, async () => {
    const [careless = ''] = siteNames(3);
    const refusals: { round: number; status: number; code: string }[] = [];
    const state = await throughFault(
      { sites: 3 },
      {
        plan,
        async make({ sites, ...consortium }) {
          const { folder } = sites[0]!;
          /** By round, the name of what is sent in the place of the masked update: once. */
          const damaged = new Map<number, string>();
          const isTold = (round: number): boolean => refusals.some((refusal) => refusal.round === round);
          const noting = async (round: number, sending: Promise<void>): Promise<void> => {
            try {
              await sending;
            } catch (error) {
              if (error instanceof CoordinatorRefusedError) {
                refusals.push({ round, status: error.status, code: error.code });
              }
              throw error;
            }
          };
          const tampering: Tampering = {
            link: (link) => ({
              ...link,
              async upload(blob, signal) {
                const { round } = blob.round;
                if (isTold(round)) return link.upload(blob, signal);
                const bytes = damages[round - 1]!(await readFile(blob.file));
                const hash = sha256Hex(bytes);
                const file = path.join(folder, `damaged-${round}`);
                await writeFile(file, bytes);
                await noting(round, link.upload({ ...blob, hash, file, bytes: bytes.length }, signal));
                damaged.set(round, hash);
              },
              async sendSessionMessage(reference, offer, signal) {
                const { step, round } = reference;
                const blob = step === 'masked-input' && !isTold(round) ? damaged.get(round)! : offer.blob;
                await noting(round, link.sendSessionMessage(reference, { ...offer, blob }, signal));
              },
            }),
          };
          startAll({ ...consortium, sites }, { [careless]: { tampering } });
        },
      },
    );
    expect(state.phase).toEqual({ kind: 'finished' });
    expect(modelsOf(state)).toEqual(unharmed);
    const answers = damages.map((_, index) => refusals.find(({ round }) => round === index + 1));
    expect(answers.map((answer) => `${answer?.status} ${answer?.code}`)).toEqual([
      '422 update-wrong-length',
      '422 seal-broken',
      '413 blob-too-large',
      '422 seal-broken',
      '422 seal-broken',
      '422 seal-broken',
    ]);
    for (const { session } of state.stages[0]!.rounds) expect(session).toMatchObject({ attempt: 1, aborts: [] });
  });

  test.for(['flip-request', 'flip-response'] as const)('fault 45: on the line, by a %s once on every endpoint', {
    timeout: 180_000,
  }, async (fate) => {
    const hit = new Set<string>();
    const state = await throughFault(
      { sites: 3 },
      {
        plan: flippedOnce,
        async make(consortium) {
          consortium.proxy.setFate((request): Fate => {
            const endpoint = endpointOf(request);
            if (hit.has(endpoint)) return 'pass';
            hit.add(endpoint);
            return fate;
          });
          startAll(consortium);
        },
      },
    );
    expect(state.phase).toEqual({ kind: 'finished' });
    // Of them all: the weights are held against the fault-free ones of the same participants.
    expect(outcomesOf(state)).toEqual([siteNames(3)]);
    expect(hit).toContain('PATCH /v1/uploads/:');
    expect(hit).toContain('GET /v1/blobs/:');
  });
});
