import { resolve } from 'node:path';
import { defineCommand } from 'citty';
import { egressTable } from '../../../audit/egress-table.ts';
import { readAudit, requireWhole } from '../../../audit/read-audit.ts';
import { UsageError } from '../../exit-codes.ts';
import { stateOption } from '../../options.ts';

export const show = defineCommand({
  meta: { name: 'show', description: 'Shows what has left this site: what, when, how many bytes, why' },
  args: {
    state: stateOption,
    checkpoint: {
      type: 'boolean',
      default: false,
      description:
        'Print the newest checkpoint seen of the coordinator’s log instead, for its "audit verify --checkpoint"',
    },
  },
  async run({ args }) {
    const audit = await readAudit(resolve(args.state));
    if (!args.checkpoint) {
      for (const line of egressTable(requireWhole(audit))) console.log(line);
      return;
    }
    if (audit.checkpoint === null) throw new UsageError('Cannot show the checkpoint: this site has seen none yet.');
    process.stdout.write(audit.checkpoint.note);
  },
});
