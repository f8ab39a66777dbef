import { fingerprintWords } from '@wardround/protocols/enrolment/fingerprint-words.ts';
import { decodeInvitation } from '@wardround/protocols/enrolment/invitation.ts';
import { words } from '@wardround/protocols/enrolment/roster-difference.ts';
import { publicKeys } from '@wardround/shared/crypto/identity.ts';
import { defineCommand } from 'citty';
import { openEgressLedger } from '../../audit/egress-ledger.ts';
import { enrol } from '../../link/enrol.ts';
import { CoordinatorUrl } from '../../link/pinned-coordinator.ts';
import { lockSiteFolder } from '../../state/instance-lock.ts';
import { readMembership, writeMembership } from '../../state/membership.ts';
import { openSiteFolder } from '../../state/site-folder.ts';
import { openSiteIdentity } from '../../state/site-identity.ts';
import { UsageError } from '../exit-codes.ts';
import { requireFolder, stateOption } from '../options.ts';

export const join = defineCommand({
  meta: { name: 'join', description: 'Joins a consortium with the invitation its coordinator gave' },
  args: {
    token: { type: 'positional', required: true, description: 'The invitation: one line that begins with wardround1.' },
    data: {
      type: 'string',
      required: true,
      description: 'The folder with ct/, clinical.csv and expression.tsv',
      valueHint: 'DIR',
    },
    state: stateOption,
    url: {
      type: 'string',
      description: 'Reach the coordinator here instead of the invitation’s address',
      valueHint: 'URL',
    },
  },
  async run({ args }) {
    const invitation = decodeInvitation(args.token);
    const url = CoordinatorUrl.safeParse(args.url ?? invitation.url);
    if (!url.success) throw new UsageError(`Cannot join: the coordinator's address ${url.error.issues[0]?.message}.`);
    const dataDirectory = await requireFolder(args.data, '--data');
    const folder = await openSiteFolder(args.state);
    const unlock = lockSiteFolder(folder);
    try {
      const before = await readMembership(folder);
      if (before !== null && before.coordinator.fingerprint !== invitation.fingerprint) {
        throw new UsageError(
          'Cannot join: this site folder belongs to another coordinator already. Give the new membership its own folder with --state.',
        );
      }
      const identity = await openSiteIdentity(folder);
      const ledger = await openEgressLedger(folder, { identity });
      const { coordinator, status } = await enrol(invitation, {
        identity,
        url: url.data,
        signal: new AbortController().signal,
        recordEgress: ledger.record,
      }).finally(ledger.close);
      await writeMembership(folder, { site: invitation.site, coordinator, dataDirectory });
      console.log(`Joined as site ${invitation.site}; the coordinator's keys are pinned.`);
      console.log(`The words of this site's keys: ${words(publicKeys(identity))}`);
      console.log(`The words of the coordinator's keys: ${fingerprintWords(coordinator.fingerprint)}`);
      if (status === 'pending') {
        console.log(
          'Its administrator still has to admit this site, and members to approve it: they compare these words.',
        );
      }
      console.log('Next: wardround-site start');
    } finally {
      unlock();
    }
  },
});
