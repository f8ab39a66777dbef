import { defineCommand } from 'citty';
import type { StudiesAnswer } from '../../edge/admin-messages.ts';
import { openAdminClient } from '../admin-client.ts';
import { stateArgument } from '../arguments.ts';
import { chooseStudy } from '../choose-study.ts';
import { print } from '../print.ts';

export const abort = defineCommand({
  meta: { name: 'abort', description: 'End a study for good; what it has so far can still be exported' },
  args: { study: { type: 'positional', description: 'The study’s name or hash', required: true }, ...stateArgument },
  async run({ args }) {
    const admin = await openAdminClient(args.state);
    const { studies } = await admin.get<StudiesAnswer>('/v1/admin/studies');
    const { study, name } = chooseStudy(studies, args.study);
    await admin.post(`/v1/admin/studies/${study}/abort`);
    print(`${name} is over.`);
  },
});
