import { words } from '@wardround/protocols/enrolment/roster-difference.ts';
import { publicKeys } from '@wardround/shared/crypto/identity.ts';
import { defineCommand } from 'citty';
import { makeNextIdentity } from '../../roster/next-identity.ts';
import { readMembership } from '../../state/membership.ts';
import { openSiteFolder } from '../../state/site-folder.ts';
import { UsageError } from '../exit-codes.ts';
import { stateOption } from '../options.ts';

export const rotate = defineCommand({
  meta: { name: 'rotate', description: 'Makes new keys for this site; the old ones stay good for 30 days beside them' },
  args: { state: stateOption },
  async run({ args }) {
    const folder = await openSiteFolder(args.state);
    if ((await readMembership(folder)) === null) {
      throw new UsageError('Cannot rotate: this site has not joined a coordinator. Run "wardround-site join" first.');
    }
    const next = await makeNextIdentity(folder);
    console.log(`The words of the new keys: ${words(publicKeys(next))}`);
    console.log('A running client asks for them, signed by the old ones; other members approve them by these words.');
    console.log('The new keys come into use as soon as the client has no work then.');
  },
});
