import { resolve } from 'node:path';
import { defineCommand } from 'citty';
import { isApproved, isRevoked } from '../../../policy/approvals.ts';
import { listOfferedStudies, readOfferedStudy } from '../../../state/offered-studies.ts';
import { stateOption } from '../../options.ts';

export const list = defineCommand({
  meta: { name: 'list', description: 'Lists the studies that were offered to this site' },
  args: { state: stateOption },
  async run({ args }) {
    const folder = resolve(args.state);
    const studies = await listOfferedStudies(folder);
    if (studies.length === 0) console.log('No study has been offered to this site yet.');
    for (const hash of studies) {
      const offered = await readOfferedStudy(folder, hash);
      if (offered === null) continue;
      const revoked = await isRevoked(hash, folder);
      const approved = await isApproved(hash, { folder, rule: 'listed' });
      const decision = revoked ? 'revoked     ' : approved ? 'approved    ' : 'not approved';
      const since = new Date(offered.offeredAtMillis).toISOString().slice(0, 10);
      console.log(`${hash}  ${decision}  offered ${since}  ${offered.plan.name}`);
    }
  },
});
