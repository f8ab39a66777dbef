/**
 * Who may take part: invitations that name one site, are used once and expire; sites that enrolled with their own keys and
 * wait for the administrator; sites that are admitted.
 */
import { createInvitation, invitationSecretHash } from '@wardround/protocols/enrolment/invitation.ts';
import { openInvitationSecret } from '@wardround/protocols/enrolment/invitation-secret.ts';
import type { EnrolmentAnswer, EnrolmentRequest } from '@wardround/protocols/session/messages.ts';
import { checkPublicKeys, type Identity } from '@wardround/shared/crypto/identity.ts';
import { RefusalError } from '../refusal-error.ts';
import type { EnrolledSite, Invitation, SiteTable } from '../storage/site-table.ts';
import type { RosterKeeper } from './roster-keeper.ts';

/** Requests of the administrator's command line are signed under this name, so no site can have it. */
export const administrator = 'coordinator';

export interface NewInvitation {
  /** The line to hand to the site's administrator. Secret; only the hash of its secret is kept. */
  readonly token: string;
  readonly expiresAtMillis: number;
}

export interface Registry {
  /** @throws {RefusalError} */
  invite(site: string): Promise<NewInvitation>;
  /**
   * The same keys asking again get the same answer.
   *
   * @throws {RefusalError}
   */
  enrol(request: EnrolmentRequest): Promise<EnrolmentAnswer>;
  /**
   * The administrator's word: the site is a member as soon as members approve it (roster-keeper.ts).
   *
   * @throws {RefusalError}
   */
  admit(site: string): Promise<void>;
  /**
   * Takes a site out: none of its requests is answered from now on, and the roster's next epoch names it as removed.
   *
   * @throws {RefusalError}
   */
  revoke(site: string): Promise<void>;
  find(site: string): Promise<EnrolledSite | null>;
  /** The site has used its new keys for the first time. */
  changeKeys(keys: Pick<EnrolledSite, 'site' | 'signingKey' | 'sealingKey'>): Promise<void>;
  sites(): Promise<EnrolledSite[]>;
  openInvitations(): Promise<Invitation[]>;
}

export function createRegistry(
  table: SiteTable,
  options: {
    readonly identity: Pick<Identity, 'sealingSecret'>;
    /** The coordinator's fingerprint, which invitations pin. */
    readonly fingerprint: string;
    /** Where sites reach the coordinator. */
    readonly publicUrl: () => string;
    readonly now: () => number;
    /** Admit sites as soon as they enrol: for a demonstration, where one person is everybody. */
    readonly admitInvited: boolean;
    readonly roster: Pick<RosterKeeper, 'propose'>;
    /** Called when a site has just been revoked. */
    readonly onRevoked: (site: string) => Promise<void>;
  },
): Registry {
  const { identity, fingerprint, publicUrl, now, admitInvited, roster, onRevoked } = options;

  const secretHashOf = (request: EnrolmentRequest): string => {
    try {
      const { site, signingKey } = request;
      return invitationSecretHash(openInvitationSecret(request.sealedSecret, { site, signingKey, identity }));
    } catch {
      throw refused('invitation-unknown');
    }
  };

  return {
    async invite(site) {
      if (site === administrator) throw refused('name-reserved');
      if ((await table.findSite(site)) !== null) throw refused('site-exists');
      const invitation = createInvitation({ url: publicUrl(), fingerprint, site, nowMillis: now() });
      const { token, secretHash, expiresMillis: expiresAtMillis } = invitation;
      await table.addInvitation({ secretHash, site, expiresAtMillis, usedByKey: null });
      return { token, expiresAtMillis };
    },

    async enrol(request) {
      const { site, signingKey, sealingKey } = request;
      try {
        checkPublicKeys({ signingKey, sealingKey });
      } catch {
        throw refused('key-unusable');
      }
      const secretHash = secretHashOf(request);
      const invitation = await table.findInvitation(secretHash);
      if (invitation === null || invitation.site !== site) throw refused('invitation-unknown');
      if (invitation.usedByKey === null) {
        if (invitation.expiresAtMillis < now()) throw refused('invitation-expired');
        const enrolled = { site, signingKey, sealingKey, status: 'pending', enrolledAtMillis: now() } as const;
        if ((await table.enrol(enrolled, secretHash)) && admitInvited) {
          await roster.propose({ add: [{ site, signingKey, sealingKey }] });
        }
      }
      // Whoever was first has it: this request, an earlier one with the same keys, or somebody else.
      const known = await table.findSite(site);
      if (known?.status === 'revoked') throw refused('site-revoked');
      if (known?.signingKey !== signingKey || known.sealingKey !== sealingKey) throw refused('invitation-used');
      return { site, status: known.status };
    },

    async admit(site) {
      const known = await table.findSite(site);
      if (known === null) throw refused('site-unknown');
      if (known.status === 'revoked') throw refused('site-revoked');
      const { signingKey, sealingKey } = known;
      if (known.status === 'pending') await roster.propose({ add: [{ site, signingKey, sealingKey }] });
    },

    async revoke(site) {
      if ((await table.findSite(site)) === null) throw refused('site-unknown');
      await table.revoke(site);
      await onRevoked(site);
      await roster.propose({ remove: [site] });
    },

    find: (site) => table.findSite(site),
    async changeKeys(keys) {
      await table.replaceKeys(keys);
    },
    sites: () => table.sites(),
    openInvitations: () => table.openInvitations(),
  };
}

const registryRefusals = {
  'name-reserved': [409, 'This name is the coordinator’s own. Choose another for the site.'],
  'site-exists': [409, 'A site of this name is enrolled already. Choose another name.'],
  'site-unknown': [404, 'No site of this name has enrolled. Invite it first, and let it join with its invitation.'],
  'site-revoked': [403, 'The site of this name was revoked. Join under another name, with a new invitation.'],
  'key-unusable': [422, 'The announced keys are not usable public keys. Let the site make new ones.'],
  'invitation-unknown': [
    403,
    'There is no such invitation for this site. Ask the coordinator’s administrator for one.',
  ],
  'invitation-used': [
    403,
    'The invitation was used with other keys. Ask the coordinator’s administrator for a new one.',
  ],
  'invitation-expired': [403, 'The invitation has expired. Ask the coordinator’s administrator for a new one.'],
} as const;

function refused(code: keyof typeof registryRefusals): RefusalError {
  const [status, message] = registryRefusals[code];
  return new RefusalError(code, { status, message });
}
