/** Tables of the PostgreSQL store, in a schema of their own, and how a database gets them. */
import { RelayError } from '../../errors.ts';
import { EMPTY_SCHEMA, type Migration, planMigration, type StoredSchema } from '../migrations.ts';
import { type Connections, SCHEMA, type Transaction } from './connections.ts';

/**
 * recipients.id is message id * 65536 + position: the message is found without a column and an index for it, which
 * are the dearest part of an insert. next_at is set exactly while a recipient waits for delivery. claimed_by names
 * the relay that delivers it; each open recipient stands in one of the three partial indexes, a closed one in none.
 * counters: kind `held` with start_at 0 counts what is held for windows.
 */
const FIRST = `
CREATE TABLE messages (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  queue_id text NOT NULL UNIQUE,
  message_id text NOT NULL,
  kind text NOT NULL,
  account_id text NOT NULL,
  namespace text NOT NULL,
  account text NOT NULL,
  username text NOT NULL,
  verifier text NOT NULL,
  envelope_from text NOT NULL,
  signing_domain text NOT NULL,
  header_size integer NOT NULL,
  size bigint NOT NULL,
  eight_bit boolean NOT NULL,
  smtp_utf8 boolean NOT NULL,
  dsn text,
  accepted_at bigint NOT NULL,
  open integer NOT NULL,
  is_large boolean NOT NULL,
  body bytea
) WITH (fillfactor = 85, toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE messages ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX messages_account ON messages (namespace, account, id);
CREATE INDEX messages_age ON messages USING brin (accepted_at);
CREATE TABLE large_bodies (
  queue_id text PRIMARY KEY,
  is_accepted boolean NOT NULL DEFAULT false,
  written_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE body_chunks (
  queue_id text NOT NULL,
  position bigint NOT NULL,
  data bytea NOT NULL,
  PRIMARY KEY (queue_id, position)
);
ALTER TABLE body_chunks ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE TABLE relays (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE recipients (
  id bigint PRIMARY KEY,
  address text NOT NULL,
  status text NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  next_at bigint,
  expires_at bigint NOT NULL,
  claimed_by bigint,
  held_for text,
  held_at bigint,
  month_charged boolean NOT NULL,
  delay_notified boolean NOT NULL DEFAULT false,
  response text,
  remote_host text,
  updated_at bigint NOT NULL,
  delivered_at bigint
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX recipients_due ON recipients (next_at) WHERE next_at IS NOT NULL AND claimed_by IS NULL;
CREATE INDEX recipients_claimed ON recipients (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX recipients_held ON recipients (id) WHERE held_for IS NOT NULL;
CREATE TABLE counters (
  scope text NOT NULL,
  kind text NOT NULL,
  start_at bigint NOT NULL,
  used bigint NOT NULL,
  PRIMARY KEY (scope, kind, start_at)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01);
CREATE TABLE logins (
  account_id text NOT NULL,
  verifier text NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (account_id, verifier)
) WITH (fillfactor = 70);
CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id text NOT NULL,
  endpoint text NOT NULL,
  body text NOT NULL,
  at bigint NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  next_at bigint NOT NULL,
  UNIQUE (event_id, endpoint)
);
CREATE INDEX outbox_due ON outbox (next_at);
CREATE TABLE suppressions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  namespace text NOT NULL,
  recipient text NOT NULL,
  reason text NOT NULL,
  queue_id text,
  at bigint NOT NULL,
  UNIQUE (namespace, recipient)
);
CREATE TABLE probes (id bigint PRIMARY KEY, at bigint NOT NULL);
CREATE FUNCTION over_limit() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'over limit' USING ERRCODE = 'MS001'; END $$;
`;

export const MIGRATIONS: readonly Migration[] = [{ version: 1, usableFrom: 1, sql: FIRST }];

/** Any number that nobody else takes: relays that start together go through here one by one. */
const LOCK = 7_246_110_587;

/** Read from the catalog's tables: name lookups answer from a cache that does not see what a lock waited for. */
const FIND_TABLE = {
  name: '',
  text: 'SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = $2',
};
const FIND_SCHEMA = { name: '', text: 'SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1' };
const READ_VERSION = { name: '', text: `SELECT version, usable_from FROM ${SCHEMA}.schema_version` };

/** Brings the database to this release's schema; throws R_STORE_NEWER where a later one has made it its own. */
export async function migrate(database: Connections, migrations: readonly Migration[]): Promise<void> {
  // Looked at without a lock first: it is right nearly always, and starts must not wait for each other.
  if (planFor(migrations, await database.transaction(readSchema)).steps.length === 0) return;
  await database.transaction(async (transaction) => {
    const sql = (text: string) => transaction.query({ name: '', text });
    await sql(`SELECT pg_advisory_xact_lock(${LOCK})`);
    const { steps, result } = planFor(migrations, await readSchema(transaction));
    if (steps.length === 0) return;
    // IF NOT EXISTS asks for the right to create schemas also where there is one.
    const found = await transaction.query(FIND_SCHEMA, [SCHEMA]);
    if (found.length === 0) await sql(`CREATE SCHEMA ${SCHEMA}`);
    await sql(
      'CREATE TABLE IF NOT EXISTS schema_version (version integer NOT NULL, usable_from integer NOT NULL)',
    );
    for (const step of steps) await sql(step.sql);
    await sql('DELETE FROM schema_version');
    await sql(`INSERT INTO schema_version VALUES (${result.version}, ${result.usableFrom})`);
  });
}

function planFor(migrations: readonly Migration[], stored: StoredSchema) {
  const plan = planMigration(migrations, stored);
  if (plan.kind === 'run') return plan;
  const { found, known } = plan;
  throw new RelayError('R_STORE_NEWER', { directory: 'the database', found, known });
}

async function readSchema(transaction: Transaction): Promise<StoredSchema> {
  if ((await transaction.query(FIND_TABLE, [SCHEMA, 'schema_version'])).length === 0) return EMPTY_SCHEMA;
  const [row] = await transaction.query(READ_VERSION);
  return row ? { version: Number(row.version), usableFrom: Number(row.usable_from) } : EMPTY_SCHEMA;
}
