/** Fault 44: a site says two things in one place. The first one stands, the second is refused and kept as evidence. */
import { CoordinatorRefusedError } from '@wardround/client/link/errors.ts';
import type { SessionStepReference } from '@wardround/client/link/site-link.ts';
import { databasePlace } from '@wardround/coordinator/storage/database-place.ts';
import { createEvidenceTable } from '@wardround/coordinator/storage/evidence-table.ts';
import { openDatabaseForReading } from '@wardround/coordinator/storage/open-database.ts';
import { stateFolder } from '@wardround/coordinator/storage/state-folder.ts';
import { verifyEvidence } from '@wardround/protocols/audit/verify-evidence.ts';
import type { SignedMessage } from '@wardround/protocols/secure-aggregation/messages.ts';
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { publicKeys } from '@wardround/shared/crypto/identity.ts';
import { expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import { resign } from '../consortium/resign.ts';
import type { Tampering } from '../consortium/run-site.ts';
import { modelsOf } from '../oracles/promises.ts';
import { faultFreeModels } from './fault-free-models.ts';
import { outcomesOf, siteNames, startAll, throughFault } from './through-fault.ts';

const plan = chaosPlan({ name: 'two-things', rounds: 2, quorum: 3 });
const [liar = ''] = siteNames(3);
const other = 'e'.repeat(64);

/** What else the site could have said. Of a reveal there is nothing else: it would break promise P4 by itself. */
function otherBody({ header, body }: SignedMessage): SignedMessage['body'] | null {
  switch (header.phase) {
    case 'advertise':
      return { ...(body as SignedMessage<'advertise'>['body']), nonce: 'A'.repeat(43) };
    case 'share-keys':
      return { ...(body as SignedMessage<'share-keys'>['body']), seedCommitment: other };
    case 'masked-input':
      return { ...(body as SignedMessage<'masked-input'>['body']), maskedInput: other };
    case 'consistency':
      return { ...(body as SignedMessage<'consistency'>['body']), survivors: other };
    default:
      return null;
  }
}

test('fault 44: of two messages with the same key the second is a 409, both are kept, and the round is as if it were not', {
  timeout: 180_000,
}, async () => {
  const unharmed = await faultFreeModels(plan, { sites: 3 });
  // The piece of work is over once the first message is taken.
  const untilEnd = AbortSignal.timeout(120_000);
  const seconds: { step: string; status: number; code: string; body: string }[] = [];
  const sayTwice = async (
    send: () => Promise<void>,
    { reference, second }: { reference: SessionStepReference; second: SignedMessage },
  ): Promise<void> => {
    const refused = await send().then(
      () => null,
      (error: unknown) => error,
    );
    if (!(refused instanceof CoordinatorRefusedError)) throw refused ?? new Error('the second message was taken');
    const { status, code } = refused;
    seconds.push({ step: reference.step, status, code, body: sha256Hex(canonicalJson(second)) });
  };
  const state = await throughFault(
    { sites: 3 },
    {
      plan,
      async make(consortium) {
        const { signingSeed } = consortium.sites[0]!.joined.identity;
        const tampering: Tampering = {
          link: (link) => ({
            ...link,
            async sendSessionMessage(reference, offer, signal) {
              await link.sendSessionMessage(reference, offer, signal);
              const message = offer.message as SignedMessage;
              const body = reference.round === 1 ? otherBody(message) : null;
              if (body === null) return;
              const second = resign(message, { body, signingSeed });
              const again = { ...offer, message: second as typeof offer.message };
              await sayTwice(() => link.sendSessionMessage(reference, again, untilEnd), { reference, second });
            },
          }),
        };
        startAll(consortium, { [liar]: { tampering } });
      },
      async look({ coordinatorFolder, sites }) {
        // What proves it outlives the round: whoever has the site's key can check it.
        const place = databasePlace(stateFolder(coordinatorFolder).database, null);
        await using database = await openDatabaseForReading(place);
        const evidence = await createEvidenceTable(database).list({ site: liar });
        expect(evidence).toHaveLength(seconds.length);
        const signingKeys = [publicKeys(sites[0]!.joined.identity).signingKey];
        for (const { document } of evidence) {
          expect(verifyEvidence(document, { site: liar, signingKeys })).toMatchObject({ ok: true });
        }
      },
    },
  );
  expect(state.phase).toEqual({ kind: 'finished' });
  expect(outcomesOf(state)).toEqual([siteNames(3), siteNames(3)]);
  expect(modelsOf(state)).toEqual(unharmed);
  const { conflicts = [] } = state.stages[0]?.rounds[0]?.session ?? {};
  const steps = ['advertise', 'share-keys', 'masked-input', 'consistency'];
  for (const { step, status, code } of seconds) {
    expect([step, status, code]).toEqual([step, 409, 'equivocation']);
  }
  expect(seconds.map(({ step }) => step)).toEqual(steps);
  expect(conflicts).toEqual(seconds.map(({ step, body }) => ({ attempt: 1, step, site: liar, body })));
});
