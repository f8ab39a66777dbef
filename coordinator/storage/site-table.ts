/** The enrolled sites and the invitations, as rows. What may follow what is decided in registry/. */
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { Selectable } from 'kysely';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

export interface EnrolledSite {
  readonly site: string;
  /** ed25519 and X25519 public keys, base64url. */
  readonly signingKey: string;
  readonly sealingKey: string;
  /** `revoked`: taken out for good; its name is not given again. */
  readonly status: 'pending' | 'admitted' | 'revoked';
  readonly enrolledAtMillis: number;
}

export interface Invitation {
  /** SHA-256 of the secret; the secret itself is not kept. */
  readonly secretHash: Sha256Hex;
  readonly site: string;
  readonly expiresAtMillis: number;
  /** Signing key of the site that used it. */
  readonly usedByKey: string | null;
}

export interface SiteTable {
  sites(): Promise<EnrolledSite[]>;
  findSite(site: string): Promise<EnrolledSite | null>;
  findInvitation(secretHash: Sha256Hex): Promise<Invitation | null>;
  /** Unused invitations, also expired ones. */
  openInvitations(): Promise<Invitation[]>;
  /** Takes the place of the site's unused invitations. */
  addInvitation(invitation: Invitation): Promise<void>;
  /** Spends the invitation and adds the site, both or neither: false when another request was faster. */
  enrol(site: EnrolledSite, secretHash: Sha256Hex): Promise<boolean>;
  /** False when no such site is enrolled. */
  admit(site: string): Promise<boolean>;
  revoke(site: string): Promise<boolean>;
  /** The keys the site has from now on. */
  replaceKeys(keys: Pick<EnrolledSite, 'site' | 'signingKey' | 'sealingKey'>): Promise<boolean>;
}

export function createSiteTable(database: Database): SiteTable {
  const { tables } = database;
  return {
    async sites() {
      return (await tables.selectFrom('sites').selectAll().orderBy('site').execute()).map(siteFromRow);
    },
    async findSite(site) {
      const row = await tables.selectFrom('sites').selectAll().where('site', '=', site).executeTakeFirst();
      return row === undefined ? null : siteFromRow(row);
    },
    async findInvitation(secretHash) {
      const row = await tables
        .selectFrom('invitations')
        .selectAll()
        .where('secret_hash', '=', secretHash)
        .executeTakeFirst();
      return row === undefined ? null : invitationFromRow(row);
    },
    async openInvitations() {
      const unused = tables.selectFrom('invitations').selectAll().where('used_by_key', 'is', null);
      return (await unused.orderBy('site').execute()).map(invitationFromRow);
    },
    addInvitation: ({ secretHash, site, expiresAtMillis }) =>
      database.transaction(async (written) => {
        await written.deleteFrom('invitations').where('site', '=', site).where('used_by_key', 'is', null).execute();
        const row = { secret_hash: secretHash, site, expires_at_millis: expiresAtMillis, used_by_key: null };
        await written.insertInto('invitations').values(row).execute();
      }),
    enrol: ({ site, signingKey, sealingKey, status, enrolledAtMillis }, secretHash) =>
      database.transaction(async (written) => {
        const known = await written.selectFrom('sites').select('site').where('site', '=', site).executeTakeFirst();
        if (known !== undefined) return false;
        const { numUpdatedRows } = await written
          .updateTable('invitations')
          .set({ used_by_key: signingKey })
          .where('secret_hash', '=', secretHash)
          .where('used_by_key', 'is', null)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows !== 1n) return false;
        const keys = { signing_key: signingKey, sealing_key: sealingKey };
        await written
          .insertInto('sites')
          .values({ site, ...keys, status, enrolled_at_millis: enrolledAtMillis })
          .execute();
        return true;
      }),
    async admit(site) {
      const { numUpdatedRows } = await tables
        .updateTable('sites')
        .set({ status: 'admitted' })
        .where('site', '=', site)
        .where('status', '=', 'pending')
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },
    async revoke(site) {
      const { numUpdatedRows } = await tables
        .updateTable('sites')
        .set({ status: 'revoked' })
        .where('site', '=', site)
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },
    async replaceKeys({ site, signingKey, sealingKey }) {
      const { numUpdatedRows } = await tables
        .updateTable('sites')
        .set({ signing_key: signingKey, sealing_key: sealingKey })
        .where('site', '=', site)
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },
  };
}

function siteFromRow(row: Selectable<Tables['sites']>): EnrolledSite {
  return {
    site: row.site,
    signingKey: row.signing_key,
    sealingKey: row.sealing_key,
    status: row.status,
    enrolledAtMillis: row.enrolled_at_millis,
  };
}

function invitationFromRow(row: Selectable<Tables['invitations']>): Invitation {
  return {
    secretHash: row.secret_hash,
    site: row.site,
    expiresAtMillis: row.expires_at_millis,
    usedByKey: row.used_by_key,
  };
}
