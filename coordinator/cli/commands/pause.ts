import { defineCommand } from 'citty';
import type { StudiesAnswer } from '../../edge/admin-messages.ts';
import type { StudyStatus } from '../../rounds/study-status.ts';
import { openAdminClient } from '../admin-client.ts';
import { jsonArgument, stateArgument } from '../arguments.ts';
import { chooseStudy } from '../choose-study.ts';
import { print } from '../print.ts';

export const pause = defineCommand({
  meta: {
    name: 'pause',
    description: 'Give sites no more work for a study; what they have in hand is taken, and deadlines stand still',
  },
  args: {
    study: { type: 'positional', description: 'The study’s name or hash', required: true },
    ...stateArgument,
    ...jsonArgument,
  },
  async run({ args }) {
    const admin = await openAdminClient(args.state);
    const { studies } = await admin.get<StudiesAnswer>('/v1/admin/studies');
    const { study, name } = chooseStudy(studies, args.study);
    const status = await admin.post<StudyStatus>(`/v1/admin/studies/${study}/pause`);
    if (args.json) return print(JSON.stringify(status, null, 2));
    print(`${name} is paused. It goes on with "wardround-coordinator study resume ${name}".`);
  },
});
