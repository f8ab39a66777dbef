import { defineCommand } from 'citty';
import { revokeStudy } from '../../../policy/approvals.ts';
import { openSiteFolder } from '../../../state/site-folder.ts';
import { findStudy } from '../../find-study.ts';
import { stateOption } from '../../options.ts';
import { hashArgument } from './require-offered.ts';

export const revoke = defineCommand({
  meta: {
    name: 'revoke',
    description: 'Takes this site’s approval back: its client leaves the study, also in the middle',
  },
  args: { hash: hashArgument, state: stateOption },
  async run({ args }) {
    const folder = await openSiteFolder(args.state);
    const study = await findStudy(args.hash, folder);
    await revokeStudy(study, { folder, nowMillis: Date.now() });
    console.log('Revoked. A running client stops its work for the study within seconds and tells the coordinator so.');
    console.log('What was sent before cannot be called back: it is in the sums of its rounds.');
  },
});
