import { fingerprintWords } from '@wardround/protocols/enrolment/fingerprint-words.ts';
import { decodeInvitation } from '@wardround/protocols/enrolment/invitation.ts';
import { Slug } from '@wardround/protocols/names.ts';
import { defineCommand } from 'citty';
import type { InvitationAnswer } from '../../edge/admin-messages.ts';
import { openAdminClient } from '../admin-client.ts';
import { stateArgument } from '../arguments.ts';
import { UsageError } from '../exit-codes.ts';
import { print, printNote } from '../print.ts';

export const invite = defineCommand({
  meta: { name: 'invite', description: 'Make a single-use invitation, good for 24 hours, and print it' },
  args: {
    site: {
      type: 'positional',
      description: 'The site’s name: lower-case letters, digits and hyphens',
      required: true,
    },
    ...stateArgument,
  },
  async run({ args }) {
    if (!Slug.safeParse(args.site).success) {
      throw new UsageError('Cannot invite: a site’s name must be 1 to 40 lower-case letters, digits or inner hyphens.');
    }
    const admin = await openAdminClient(args.state);
    const { token } = await admin.post<InvitationAnswer>('/v1/admin/invitations', { site: args.site });
    print(token);
    printNote(`The words of this coordinator's keys: ${fingerprintWords(decodeInvitation(token).fingerprint)}`);
  },
});
