/** Step n brings an SQLite file of version n to version n + 1. Steps are only ever added. */
export const sqliteMigrations: readonly string[] = [
  `CREATE TABLE events (
     study TEXT NOT NULL,
     seq INTEGER NOT NULL,
     event TEXT NOT NULL,
     hash TEXT NOT NULL,
     PRIMARY KEY (study, seq)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE sites (
     site TEXT PRIMARY KEY,
     signing_key TEXT NOT NULL,
     sealing_key TEXT NOT NULL,
     status TEXT NOT NULL CHECK (status IN ('pending', 'admitted')),
     enrolled_at_millis INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE invitations (
     secret_hash TEXT PRIMARY KEY,
     site TEXT NOT NULL,
     expires_at_millis INTEGER NOT NULL,
     used_by_key TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE nonces (
     signer TEXT NOT NULL,
     nonce TEXT NOT NULL,
     expires_at_millis INTEGER NOT NULL,
     PRIMARY KEY (signer, nonce)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX nonces_by_expiry ON nonces (expires_at_millis);`,
  `CREATE TABLE sites_2 (
     site TEXT PRIMARY KEY,
     signing_key TEXT NOT NULL,
     sealing_key TEXT NOT NULL,
     status TEXT NOT NULL CHECK (status IN ('pending', 'admitted', 'revoked')),
     enrolled_at_millis INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   INSERT INTO sites_2 SELECT site, signing_key, sealing_key, status, enrolled_at_millis FROM sites;
   DROP TABLE sites;
   ALTER TABLE sites_2 RENAME TO sites;
   CREATE TABLE roster_epochs (epoch INTEGER PRIMARY KEY, signed TEXT NOT NULL) STRICT;
   CREATE TABLE roster_proposal (id INTEGER PRIMARY KEY CHECK (id = 1), proposal TEXT NOT NULL) STRICT;`,
  `CREATE TABLE leases (
     name TEXT PRIMARY KEY,
     holder TEXT,
     epoch INTEGER NOT NULL,
     expires_at_millis INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE sequences (
     signer TEXT PRIMARY KEY,
     window_start INTEGER NOT NULL,
     seen TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE evidence (
     id TEXT PRIMARY KEY,
     kind TEXT NOT NULL,
     site TEXT NOT NULL,
     study TEXT,
     recorded_at_millis INTEGER NOT NULL,
     document TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;`,
  `CREATE TABLE instance (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE audit_records (seq INTEGER PRIMARY KEY, line TEXT NOT NULL) STRICT;
   CREATE TABLE audit_checkpoints (size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT;`,
  `CREATE TABLE statements (
     site TEXT NOT NULL,
     path TEXT NOT NULL,
     statement TEXT NOT NULL,
     PRIMARY KEY (site, path)
   ) STRICT, WITHOUT ROWID;`,
];
