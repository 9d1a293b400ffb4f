import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Pool } from "pg";
import { StoreError } from "./store-error.ts";
import { inTransaction, type Tx } from "./transaction.ts";

/** One step of the schema. Once shipped it is never edited. */
export type Migration = {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the text, as hex */
  readonly checksum: string;
};

/**
 * Brings a database to the schema of this release. Any number of nodes may do so at once: one works, the others
 * wait and find it done. Each step is one transaction.
 * @throws StoreError store_too_old, migration_changed, migration_newer; the database is then as it was
 */
export async function migrate(pool: Pool, migrations?: readonly Migration[]): Promise<void> {
  const wanted = migrations ?? (await readMigrations());
  let pending = true;
  while (pending) pending = await inTransaction(pool, (tx) => takeStep(tx, wanted));
}

/** Reads `NNNN_subject.sql` from a folder, by default the shipped ones, in order of their numbers. */
export async function readMigrations(folder = shipped): Promise<readonly Migration[]> {
  const migrations: Migration[] = [];
  for (const file of (await readdir(folder)).toSorted()) {
    const [, version, name] = /^(\d{4})_(\w+)\.sql$/.exec(file) ?? [];
    if (version === undefined || name === undefined) continue;
    if (migrations.at(-1)?.version === Number(version)) throw new Error(`Two migrations have the number ${version}.`);
    // A checkout may have turned line ends; that is no change.
    const sql = (await readFile(join(folder, file), "utf8")).replaceAll("\r\n", "\n");
    migrations.push({ version: Number(version), name, sql, checksum: createHash("sha256").update(sql).digest("hex") });
  }
  return migrations;
}

/** The same folder seen from src/db and from dist/db. */
const shipped = fileURLToPath(new URL("../../src/db/migrations", import.meta.url));

/** Does the next pending step under a lock. @returns whether there may be another */
async function takeStep(tx: Tx, wanted: readonly Migration[]): Promise<boolean> {
  await tx.query("set local statement_timeout = 0");
  // Held to the end of the transaction, so that it works behind a connection pooler too.
  await patiently(tx, `select pg_advisory_xact_lock(${migrationLock})`);
  await checkServer(tx);
  const next = nextStep(wanted, await applied(tx));
  if (!next) return false;
  try {
    await patiently(tx, next.sql);
  } catch (error) {
    throw stepError(next, error);
  }
  await tx.query("insert into migration (version, name, checksum) values ($1, $2, $3)", [
    next.version,
    next.name,
    next.checksum,
  ]);
  return true;
}

const migrationLock = 7_290_101;

/** Only a fault in the step itself gets its name; of others (conflict, connection lost) the code decides what follows. */
function stepError(step: Migration, error: unknown): unknown {
  const isFault = error instanceof Error && "code" in error && /^(22|23|42)/.test(String(error.code));
  return isFault ? new Error(`The step ${titleOf(step)} failed: ${error.message}.`, { cause: error }) : error;
}

function titleOf({ version, name }: { version: number; name: string }): string {
  return `${String(version).padStart(4, "0")}_${name}`;
}

/** Waiting for another node, or rewriting a large table, may outlast the pool's limit for a statement. */
async function patiently(tx: Tx, text: string): Promise<void> {
  await tx.query(Object.assign({ text }, { query_timeout: 2 ** 31 - 1 }));
}

async function checkServer(tx: Tx): Promise<void> {
  const { rows } = await tx.query<{ server_version_num: string }>("show server_version_num");
  const version = Number(rows[0]?.server_version_num);
  if (version >= 150_000) return;
  throw new StoreError(
    "store_too_old",
    `The server of DATABASE_URL is PostgreSQL ${Math.floor(version / 10_000)}, and Paybell needs 15 or newer.`,
  );
}

type Applied = { version: number; name: string; checksum: string };

async function applied(tx: Tx): Promise<Applied[]> {
  await tx.query(`create table if not exists migration (
    version integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
  )`);
  return (await tx.query<Applied>("select version, name, checksum from migration order by version")).rows;
}

function nextStep(wanted: readonly Migration[], done: readonly Applied[]): Migration | undefined {
  for (const step of done) {
    const { version, checksum } = step;
    const known = wanted.find((migration) => migration.version === version);
    const title = titleOf(step);
    if (!known) {
      throw new StoreError(
        "migration_newer",
        `The database knows a step ${title} that this release of Paybell does not: it was used by a newer release, so run that one.`,
      );
    }
    if (known.checksum !== checksum) {
      throw new StoreError(
        "migration_changed",
        `The step ${title} was applied to this database with another text than this release has: a shipped migration must never change.`,
      );
    }
  }
  return wanted.find((migration) => !done.some(({ version }) => version === migration.version));
}
