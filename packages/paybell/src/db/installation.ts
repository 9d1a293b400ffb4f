import { randomBytes } from "node:crypto";
import type { Instant } from "@paybell/protocols/domain/day";
import type { Pool, PoolClient } from "pg";
import { newId, sha256 } from "../domain/id.ts";
import { MasterKeyError } from "./master-key.ts";
import type { Seal } from "./seal.ts";
import { inTransaction } from "./transaction.ts";

export type Installed = {
  /** the first account */
  readonly accountId: string;
  /** the owner key, where it was made just now: shown once */
  readonly newKey: string | null;
};

/**
 * On a new store: the first account and its owner key. On a known one: checks the master key, and lets a given
 * key in. Safe with several nodes starting at once.
 * @param apiKey the owner key to use; without one it is generated
 */
export async function install(pool: Pool, seal: Seal, now: Instant, apiKey: string | undefined): Promise<Installed> {
  if (apiKey !== undefined && !/^[\x21-\x7e]{1,500}$/.test(apiKey)) {
    throw new ApiKeyError(
      "PAYBELL_API_KEY must be printable ASCII characters without blanks, at most 500; take a long random one.",
    );
  }
  return inTransaction(pool, async (tx) => {
    await tx.query("select pg_advisory_xact_lock(hashtext('paybell.install'))");
    const { rows } = await tx.query<{ id: string; sealed: Buffer }>("select id, sealed from installation");
    const known = rows[0];
    if (!known) return first(tx, seal, now, apiKey);
    checkKey(seal, known);
    const { rows: accounts } = await tx.query<{ id: string }>(
      "select id from account where parent_id is null order by created_at, id limit 1",
    );
    const accountId = accounts[0]!.id;
    if (apiKey !== undefined) await addKey(tx, accountId, apiKey, now);
    return { accountId, newKey: null };
  });
}

/** The owner key could never be sent in a header. */
export class ApiKeyError extends Error {
  override readonly name = "ApiKeyError";
  readonly code = "api_key";
}

async function first(tx: PoolClient, seal: Seal, now: Instant, apiKey: string | undefined): Promise<Installed> {
  const accountId = newId(now);
  const key = apiKey ?? `pb_live_${randomBytes(32).toString("base64url")}`;
  const id = newId(now);
  await tx.query("insert into installation (id, sealed, created_at) values ($1, $2, $3)", [
    id,
    seal.seal(id, "installation"),
    new Date(now),
  ]);
  await tx.query("insert into account (id, name, created_at) values ($1, 'Shop', $2)", [accountId, new Date(now)]);
  await tx.query("insert into lane (account_id, id, transport) values ($1, $1, 'mail')", [accountId]);
  await addKey(tx, accountId, key, now);
  return { accountId, newKey: apiKey === undefined ? key : null };
}

async function addKey(tx: PoolClient, accountId: string, key: string, now: Instant): Promise<void> {
  await tx.query(
    `insert into api_key (account_id, id, name, hash, hint, scope, mode, created_at)
     values ($1, $2, 'Owner', $3, $4, 'owner', 'live', $5)
     on conflict (hash) do nothing`,
    [accountId, newId(now), sha256(key), key.length < 16 ? "" : key.slice(-4), new Date(now)],
  );
}

function checkKey(seal: Seal, { id, sealed }: { id: string; sealed: Buffer }): void {
  try {
    if (seal.open(sealed, "installation") === id) return;
  } catch {
    // said below
  }
  throw new MasterKeyError(
    "This store was made with another master key. Start with the PAYBELL_MASTER_KEY (or the master.key file) it was made with.",
  );
}
