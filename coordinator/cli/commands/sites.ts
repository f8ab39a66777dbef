import { fingerprintWords } from '@wardround/protocols/enrolment/fingerprint-words.ts';
import { defineCommand } from 'citty';
import type { SitesAnswer } from '../../edge/admin-messages.ts';
import { openAdminClient } from '../admin-client.ts';
import { jsonArgument, stateArgument } from '../arguments.ts';
import { print, printRows } from '../print.ts';

export const sites = defineCommand({
  meta: { name: 'sites', description: 'List sites and open invitations' },
  args: { ...stateArgument, ...jsonArgument },
  async run({ args }) {
    const admin = await openAdminClient(args.state);
    const answer = await admin.get<SitesAnswer>('/v1/admin/sites');
    if (args.json) return print(JSON.stringify(answer, null, 2));
    printRows([
      ['SITE', 'STATUS', 'CONNECTED', 'WORDS OF ITS KEYS'],
      ...answer.sites.map(({ site, status, connected, fingerprint }) => [
        site,
        status,
        connected ? 'yes' : 'no',
        fingerprintWords(fingerprint),
      ]),
      ...answer.invitations.map(({ site, expiresAtMillis }) => [
        site,
        expiresAtMillis < Date.now() ? 'invitation expired' : 'invited',
        'no',
        '',
      ]),
    ]);
  },
});
