/** Tables of the embedded store, and how a file gets them. */
import type { DatabaseSync } from 'node:sqlite';
import {
  EMPTY_SCHEMA,
  type Migration,
  type MigrationPlan,
  planMigration,
  type StoredSchema,
} from '../migrations.ts';

/**
 * recipients.next_at is set exactly while a recipient waits for delivery (queued, deferred): the index over it
 * is the queue. held_for: `window`, `month` or `suspended` while held.
 */
const CREATE = `
CREATE TABLE messages (
  id INTEGER PRIMARY KEY,
  queue_id TEXT NOT NULL UNIQUE,
  message_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  account_id TEXT NOT NULL,
  namespace TEXT NOT NULL,
  account TEXT NOT NULL,
  username TEXT NOT NULL,
  verifier TEXT NOT NULL,
  envelope_from TEXT NOT NULL,
  signing_domain TEXT NOT NULL,
  header_size INTEGER NOT NULL,
  size INTEGER NOT NULL,
  eight_bit INTEGER NOT NULL,
  smtp_utf8 INTEGER NOT NULL,
  dsn TEXT,
  accepted_at INTEGER NOT NULL,
  open INTEGER NOT NULL,
  body_file TEXT
) STRICT;
CREATE INDEX messages_account ON messages (namespace, account);
CREATE TABLE bodies (message INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE recipients (
  id INTEGER PRIMARY KEY,
  message INTEGER NOT NULL,
  address TEXT NOT NULL,
  status TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_at INTEGER,
  expires_at INTEGER NOT NULL,
  held_for TEXT,
  held_at INTEGER,
  month_charged INTEGER NOT NULL,
  response TEXT,
  remote_host TEXT,
  updated_at INTEGER NOT NULL,
  delivered_at INTEGER,
  delay_notified INTEGER
) STRICT;
CREATE INDEX recipients_message ON recipients (message);
CREATE INDEX recipients_due ON recipients (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX recipients_held ON recipients (held_for, message) WHERE held_for IS NOT NULL;
CREATE TABLE counters (
  scope TEXT NOT NULL,
  kind TEXT NOT NULL,
  start_at INTEGER NOT NULL,
  used INTEGER NOT NULL,
  PRIMARY KEY (scope, kind, start_at)
) STRICT, WITHOUT ROWID;
CREATE TABLE logins (
  account_id TEXT NOT NULL,
  verifier TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (account_id, verifier)
) STRICT, WITHOUT ROWID;
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  body TEXT NOT NULL,
  at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  UNIQUE (event_id, endpoint)
) STRICT;
CREATE INDEX outbox_due ON outbox (next_at);
CREATE TABLE suppressions (
  id INTEGER PRIMARY KEY,
  namespace TEXT NOT NULL,
  recipient TEXT NOT NULL,
  reason TEXT NOT NULL,
  queue_id TEXT,
  at INTEGER NOT NULL,
  UNIQUE (namespace, recipient)
) STRICT;
CREATE TABLE probes (id INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
`;

export const MIGRATIONS: readonly Migration[] = [{ version: 1, usableFrom: 1, sql: CREATE }];

/** Brings the file to this release's schema, or says that a later one has made it its own. */
export function migrate(
  database: DatabaseSync,
  migrations: readonly Migration[] = MIGRATIONS,
): MigrationPlan {
  const plan = planMigration(migrations, readSchema(database));
  if (plan.kind === 'refuse' || plan.steps.length === 0) return plan;
  const { version, usableFrom } = plan.result;
  database.exec('BEGIN');
  try {
    database.exec(VERSION_TABLE);
    for (const step of plan.steps) database.exec(step.sql);
    database.exec(
      `DELETE FROM schema_version; INSERT INTO schema_version VALUES (${version}, ${usableFrom})`,
    );
    database.exec(`PRAGMA user_version = ${version}; COMMIT`);
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
  return plan;
}

const VERSION_TABLE =
  'CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL, usable_from INTEGER NOT NULL) STRICT';

function readSchema(database: DatabaseSync): StoredSchema {
  const found = database.prepare('PRAGMA user_version').get();
  if (Number(found?.user_version ?? 0) === 0) return EMPTY_SCHEMA;
  const row = database.prepare('SELECT version, usable_from FROM schema_version').get();
  return row ? { version: Number(row.version), usableFrom: Number(row.usable_from) } : EMPTY_SCHEMA;
}
