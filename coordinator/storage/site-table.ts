/** The enrolled sites and the invitations, as rows. What may follow what is decided in registry/. */
import type { DatabaseSync } from 'node:sqlite';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { inTransaction } from './database.ts';

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

export function createSiteTable(database: DatabaseSync): SiteTable {
  const siteColumns = 'site, signing_key, sealing_key, status, enrolled_at_millis';
  const listSites = database.prepare(`SELECT ${siteColumns} FROM sites ORDER BY site`);
  const findSite = database.prepare(`SELECT ${siteColumns} FROM sites WHERE site = ?`);
  const insertSite = database.prepare(
    `INSERT INTO sites (${siteColumns}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const admitSite = database.prepare("UPDATE sites SET status = 'admitted' WHERE site = ? AND status = 'pending'");
  const revokeSite = database.prepare("UPDATE sites SET status = 'revoked' WHERE site = ?");
  const updateKeys = database.prepare('UPDATE sites SET signing_key = ?, sealing_key = ? WHERE site = ?');
  const invitationColumns = 'secret_hash, site, expires_at_millis, used_by_key';
  const findInvitation = database.prepare(`SELECT ${invitationColumns} FROM invitations WHERE secret_hash = ?`);
  const listInvitations = database.prepare(
    `SELECT ${invitationColumns} FROM invitations WHERE used_by_key IS NULL ORDER BY site`,
  );
  const insertInvitation = database.prepare(`INSERT INTO invitations (${invitationColumns}) VALUES (?, ?, ?, NULL)`);
  const dropInvitations = database.prepare('DELETE FROM invitations WHERE site = ? AND used_by_key IS NULL');
  const spendInvitation = database.prepare(
    'UPDATE invitations SET used_by_key = ? WHERE secret_hash = ? AND used_by_key IS NULL',
  );

  return {
    async sites() {
      return listSites.all().map(siteFromRow);
    },
    async findSite(site) {
      const row = findSite.get(site);
      return row === undefined ? null : siteFromRow(row);
    },
    async findInvitation(secretHash) {
      const row = findInvitation.get(secretHash);
      return row === undefined ? null : invitationFromRow(row);
    },
    async openInvitations() {
      return listInvitations.all().map(invitationFromRow);
    },
    async addInvitation({ secretHash, site, expiresAtMillis }) {
      inTransaction(database, () => {
        dropInvitations.run(site);
        insertInvitation.run(secretHash, site, expiresAtMillis);
      });
    },
    async enrol({ site, signingKey, sealingKey, status, enrolledAtMillis }, secretHash) {
      return inTransaction(database, () => {
        if (findSite.get(site) !== undefined) return false;
        if (Number(spendInvitation.run(signingKey, secretHash).changes) !== 1) return false;
        insertSite.run(site, signingKey, sealingKey, status, enrolledAtMillis);
        return true;
      });
    },
    async admit(site) {
      return Number(admitSite.run(site).changes) === 1;
    },
    async revoke(site) {
      return Number(revokeSite.run(site).changes) === 1;
    },
    async replaceKeys({ site, signingKey, sealingKey }) {
      return Number(updateKeys.run(signingKey, sealingKey, site).changes) === 1;
    },
  };
}

type Row = Readonly<Record<string, unknown>>;

function siteFromRow(row: Row): EnrolledSite {
  return {
    site: String(row['site']),
    signingKey: String(row['signing_key']),
    sealingKey: String(row['sealing_key']),
    status: row['status'] === 'admitted' || row['status'] === 'revoked' ? row['status'] : 'pending',
    enrolledAtMillis: Number(row['enrolled_at_millis']),
  };
}

function invitationFromRow(row: Row): Invitation {
  return {
    secretHash: String(row['secret_hash']),
    site: String(row['site']),
    expiresAtMillis: Number(row['expires_at_millis']),
    usedByKey: row['used_by_key'] === null ? null : String(row['used_by_key']),
  };
}
