import { defineCommand } from 'citty';
import type { StudiesAnswer } from '../../edge/admin-messages.ts';
import type { StudyStatus } from '../../rounds/study-status.ts';
import { openAdminClient } from '../admin-client.ts';
import { jsonArgument, stateArgument } from '../arguments.ts';
import { chooseStudy } from '../choose-study.ts';
import { print } from '../print.ts';

export const resume = defineCommand({
  meta: { name: 'resume', description: 'Let a paused study go on, with the time that its phase had left' },
  args: {
    study: { type: 'positional', description: 'The study’s name or hash', required: true },
    ...stateArgument,
    ...jsonArgument,
  },
  async run({ args }) {
    const admin = await openAdminClient(args.state);
    const { studies } = await admin.get<StudiesAnswer>('/v1/admin/studies');
    const { study, name } = chooseStudy(studies, args.study);
    const status = await admin.post<StudyStatus>(`/v1/admin/studies/${study}/resume`);
    if (args.json) return print(JSON.stringify(status, null, 2));
    print(`${name} goes on.`);
  },
});
