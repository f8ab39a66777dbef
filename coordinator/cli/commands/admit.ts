import { fingerprintWords } from '@wardround/protocols/enrolment/fingerprint-words.ts';
import { Slug } from '@wardround/protocols/names.ts';
import { defineCommand } from 'citty';
import type { AdmissionAnswer } from '../../edge/admin-messages.ts';
import { openAdminClient } from '../admin-client.ts';
import { stateArgument } from '../arguments.ts';
import { UsageError } from '../exit-codes.ts';
import { print } from '../print.ts';

export const admit = defineCommand({
  meta: { name: 'admit', description: 'Admit a site that has joined with its invitation' },
  args: { site: { type: 'positional', description: 'The site’s name', required: true }, ...stateArgument },
  async run({ args }) {
    if (!Slug.safeParse(args.site).success) {
      throw new UsageError('Cannot admit: needed a site’s name. See "wardround-coordinator sites".');
    }
    const admin = await openAdminClient(args.state);
    const answer = await admin.post<AdmissionAnswer>(`/v1/admin/sites/${args.site}/admission`);
    print(`The words of its keys: ${fingerprintWords(answer.fingerprint)}`);
    print('Compare them with those that "wardround-site join" showed there, over the telephone.');
    if (answer.waiting === null) return print(`${answer.site} is admitted.`);
    const { of, count } = answer.waiting;
    print(`${answer.site} is a member once ${count} of ${of.join(', ')} approve: "wardround-site roster approve".`);
  },
});
