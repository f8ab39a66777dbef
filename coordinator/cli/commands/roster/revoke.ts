import { Slug } from '@wardround/protocols/names.ts';
import { defineCommand } from 'citty';
import type { RevocationAnswer } from '../../../edge/admin-messages.ts';
import { openAdminClient } from '../../admin-client.ts';
import { stateArgument } from '../../arguments.ts';
import { UsageError } from '../../exit-codes.ts';
import { print } from '../../print.ts';

export const revoke = defineCommand({
  meta: { name: 'revoke', description: 'Take a site out at once and for good, also in the middle of a round' },
  args: { site: { type: 'positional', description: 'The site’s name', required: true }, ...stateArgument },
  async run({ args }) {
    if (!Slug.safeParse(args.site).success) {
      throw new UsageError('Cannot revoke: needed a site’s name. See "wardround-coordinator roster show".');
    }
    const admin = await openAdminClient(args.state);
    const { site } = await admin.post<RevocationAnswer>(`/v1/admin/sites/${args.site}/revocation`);
    print(`${site} is revoked: its requests are refused from now on, and running rounds go on without it.`);
    print('The roster’s next epoch names it as removed once members have approved that.');
  },
});
