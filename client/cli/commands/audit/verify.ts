import { resolve } from 'node:path';
import { defineCommand } from 'citty';
import { readAudit, requireWhole } from '../../../audit/read-audit.ts';
import { stateOption } from '../../options.ts';

export const verify = defineCommand({
  meta: {
    name: 'verify',
    description: 'Checks that nothing in the record of what left this site was changed; asks nobody',
  },
  args: { state: stateOption },
  async run({ args }) {
    const audit = await readAudit(resolve(args.state));
    console.log(`The egress ledger is whole: ${requireWhole(audit).length} records, each as it was written.`);
    console.log(
      audit.checkpoint === null
        ? 'The coordinator’s log has not been seen yet.'
        : `This site follows the coordinator’s log; it was seen with ${audit.checkpoint.size} records.`,
    );
  },
});
