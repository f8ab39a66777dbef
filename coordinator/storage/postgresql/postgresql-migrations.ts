/**
 * Step n brings a PostgreSQL namespace of version n to version n + 1. Steps are only ever added. Text is compared byte by
 * byte, as in SQLite, so that rows come in the same order from both.
 */
export const postgresqlMigrations: readonly string[] = [
  `CREATE TABLE events (
     study TEXT COLLATE "C" NOT NULL,
     seq BIGINT NOT NULL,
     event TEXT NOT NULL,
     hash TEXT NOT NULL,
     PRIMARY KEY (study, seq)
   );
   CREATE TABLE sites (
     site TEXT COLLATE "C" PRIMARY KEY,
     signing_key TEXT NOT NULL,
     sealing_key TEXT NOT NULL,
     status TEXT NOT NULL CHECK (status IN ('pending', 'admitted', 'revoked')),
     enrolled_at_millis BIGINT NOT NULL
   );
   CREATE TABLE invitations (
     secret_hash TEXT COLLATE "C" PRIMARY KEY,
     site TEXT COLLATE "C" NOT NULL,
     expires_at_millis BIGINT NOT NULL,
     used_by_key TEXT
   );
   CREATE TABLE nonces (
     signer TEXT COLLATE "C" NOT NULL,
     nonce TEXT COLLATE "C" NOT NULL,
     expires_at_millis BIGINT NOT NULL,
     PRIMARY KEY (signer, nonce)
   );
   CREATE INDEX nonces_by_expiry ON nonces (expires_at_millis);
   CREATE TABLE roster_epochs (epoch BIGINT PRIMARY KEY, signed TEXT NOT NULL);
   CREATE TABLE roster_proposal (id BIGINT PRIMARY KEY CHECK (id = 1), proposal TEXT NOT NULL);
   CREATE TABLE leases (
     name TEXT COLLATE "C" PRIMARY KEY,
     holder TEXT,
     epoch BIGINT NOT NULL,
     expires_at_millis BIGINT NOT NULL
   );
   CREATE TABLE sequences (
     signer TEXT COLLATE "C" PRIMARY KEY,
     window_start BIGINT NOT NULL,
     seen TEXT NOT NULL
   );
   CREATE TABLE evidence (
     id TEXT COLLATE "C" PRIMARY KEY,
     kind TEXT NOT NULL,
     site TEXT COLLATE "C" NOT NULL,
     study TEXT COLLATE "C",
     recorded_at_millis BIGINT NOT NULL,
     document TEXT NOT NULL
   );`,
  `CREATE TABLE instance (name TEXT COLLATE "C" PRIMARY KEY, value TEXT NOT NULL);
   CREATE TABLE audit_records (seq BIGINT PRIMARY KEY, line TEXT NOT NULL);
   CREATE TABLE audit_checkpoints (size BIGINT PRIMARY KEY, note TEXT NOT NULL);`,
  `CREATE TABLE statements (
     site TEXT COLLATE "C" NOT NULL,
     path TEXT COLLATE "C" NOT NULL,
     statement TEXT NOT NULL,
     PRIMARY KEY (site, path)
   );`,
];
