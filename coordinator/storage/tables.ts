/** The rows of the coordinator's database, as both dialects hold them. Times are milliseconds since 1970. */

export interface Tables {
  events: { study: string; seq: number; event: string; hash: string };
  sites: {
    site: string;
    signing_key: string;
    sealing_key: string;
    status: 'pending' | 'admitted' | 'revoked';
    enrolled_at_millis: number;
  };
  invitations: { secret_hash: string; site: string; expires_at_millis: number; used_by_key: string | null };
  nonces: { signer: string; nonce: string; expires_at_millis: number };
  roster_epochs: { epoch: number; signed: string };
  roster_proposal: { id: number; proposal: string };
  /** `holder` is null once the lease was given back; its row stays, so that no epoch is ever given twice. */
  leases: { name: string; holder: string | null; epoch: number; expires_at_millis: number };
  sequences: { signer: string; window_start: number; seen: string };
  evidence: {
    id: string;
    kind: string;
    site: string;
    study: string | null;
    recorded_at_millis: number;
    document: string;
  };
  /** `statement` is a signed request without its body, as JSON. */
  statements: { site: string; path: string; statement: string };
  /** What holds for all replicas alike: the coordinator's fingerprint, and where its audit log is. */
  instance: { name: 'fingerprint' | 'audit'; value: string };
  /** The audit log of replicas: its lines in order, and its signed checkpoints by size. */
  audit_records: { seq: number; line: string };
  audit_checkpoints: { size: number; note: string };
}
