import { defineCommand } from 'citty';
import type { LaunchAnswer } from '../../edge/admin-messages.ts';
import { openAdminClient } from '../admin-client.ts';
import { jsonArgument, stateArgument } from '../arguments.ts';
import { print } from '../print.ts';
import { readPlanFile } from '../read-plan-file.ts';

export const launch = defineCommand({
  meta: { name: 'launch', description: 'Check a study plan and announce it to the admitted sites' },
  args: {
    file: { type: 'positional', description: 'The plan, JSON or YAML', required: true },
    ...stateArgument,
    ...jsonArgument,
  },
  async run({ args }) {
    const plan = await readPlanFile(args.file);
    const admin = await openAdminClient(args.state);
    const answer = await admin.post<LaunchAnswer>('/v1/admin/studies', plan);
    if (args.json) return print(JSON.stringify(answer, null, 2));
    print(`Launched ${answer.name} to ${answer.sites.join(', ')}. Each site approves it by its hash:`);
    print(answer.study);
  },
});
