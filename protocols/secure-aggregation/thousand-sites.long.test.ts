import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { expect, test, vi } from 'vitest';
import type * as keys from './advertised-keys.ts';
import type * as views from './consistent-views.ts';
import type * as graph from './graph.ts';
import { PHASES, type Phase } from './messages.ts';
import { idealiseAgreements, rememberByIdentity, rememberSignatures } from './remembered-crypto.ts';
import type * as messages from './signed-message.ts';
import { beginPlay, createConsortium, plainSum, playAll } from './simulated-session.ts';

vi.mock('@wardround/shared/crypto/ed25519.ts', async (original) => rememberSignatures(await original()));
vi.mock('@wardround/shared/crypto/key-agreement.ts', async (original) => idealiseAgreements(await original()));
// All sites are told the same and hold the same roster, so what one reads all read.
vi.mock('./advertised-keys.ts', async (original) =>
  rememberByIdentity(await original<typeof keys>(), 'readAdvertisements'),
);
vi.mock('./consistent-views.ts', async (original) => rememberByIdentity(await original<typeof views>(), 'countViews'));
vi.mock('./signed-message.ts', async (original) =>
  rememberByIdentity(rememberByIdentity(await original<typeof messages>(), 'messageFault'), 'linkTo'),
);
vi.mock('./graph.ts', async (original) => rememberByIdentity(await original<typeof graph>(), 'neighbours'));

test('a thousand sites on the Harary graph, fifty of which fall silent, come to the plain sum of the survivors', () => {
  const words = 300;
  const consortium = createConsortium(1000, { words });
  const random = createRandom('a thousand vectors');
  const names = [...consortium.contexts.keys()];
  const vectors = new Map(
    names.map((site) => [site, Int32Array.from({ length: words }, () => random.int(2 ** 32) - 2 ** 31)]),
  );
  const absent: Partial<Record<Phase, Set<string>>> = {};
  for (const [index, site] of createRandom('drop-outs').shuffle(names).slice(0, 50).entries()) {
    const phase = PHASES[1 + (index % 4)]!;
    absent[phase] = (absent[phase] ?? new Set()).add(site);
  }
  const played = playAll(beginPlay(consortium, { vectors }), absent);
  if (!played.ok) throw new Error(played.reason);
  const { coordinator, sum } = played.play;
  expect(coordinator.session!.parameters).toEqual({ colluders: 100, threshold: 67, degree: 96, fewestSurvivors: 551 });
  expect(coordinator.survivors).toHaveLength(1000 - absent['share-keys']!.size - absent['masked-input']!.size);
  expect(sum).toEqual(plainSum(played.play, coordinator.survivors!));
});
