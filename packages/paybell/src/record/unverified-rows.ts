import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { Reply } from "@paybell/protocols/protocol";
import type { Pool } from "pg";
import { idTime } from "../domain/id.ts";

/** A notification whose provider has to be asked before anything acts on it. */
export type Unverified = {
  readonly accountId: string;
  readonly id: string;
  readonly connectionId: string;
  readonly protocol: string;
  readonly providerAccount: string;
  readonly receivedAt: Instant;
  /** how often the provider was asked in vain */
  readonly checks: number;
  readonly headers: string;
  readonly body: Buffer;
};

/** Takes those due, for three minutes: whoever dies over it leaves it to others. */
export async function takeUnverified(pool: Pool, now: Instant, limit: number): Promise<Unverified[]> {
  const { rows } = await pool.query<{
    account_id: string;
    id: string;
    connection_id: string;
    protocol: string;
    provider_account: string;
    received_at: Instant;
    checks: number;
    headers: string;
    body: Buffer;
  }>({
    name: "take_unverified",
    text: `
      update notification n set check_at = $2
      from (select account_id, id, received_at from notification
            where state = 'unverified' and check_at <= $1 order by check_at limit $3 for update skip locked) t
      where n.account_id = t.account_id and n.id = t.id and n.received_at = t.received_at
      returning n.account_id, n.id, n.connection_id, n.protocol, n.provider_account, n.received_at, n.checks, n.headers, n.body`,
    values: [new Date(now), new Date(now + leaseMs), limit],
  });
  return rows.map((row) => ({
    accountId: row.account_id,
    id: row.id,
    connectionId: row.connection_id,
    protocol: row.protocol,
    providerAccount: row.provider_account,
    receivedAt: row.received_at,
    checks: row.checks,
    headers: row.headers,
    body: row.body,
  }));
}

const leaseMs = 180_000;

/** The provider said nothing that helps. @param at null: it is asked again only when somebody wants it */
export async function checkLater(
  pool: Pool,
  { accountId, id }: Unverified,
  sentence: string,
  at: Instant | null,
): Promise<void> {
  await pool.query(
    `update notification set checks = checks + 1, check_at = $4, reason = $5
     where account_id = $1 and id = $2 and received_at = $3 and state = 'unverified'`,
    [accountId, id, new Date(idTime(id)), at === null ? null : new Date(at), sentence],
  );
}

/** Asked for by hand: from the beginning, now. */
export async function checkAgain(pool: Pool, accountId: string, ids: readonly string[], now: Instant): Promise<number> {
  const { rowCount } = await pool.query(
    `update notification n set checks = 0, check_at = $4
     from unnest($2::uuid[], $3::timestamptz[]) as t (id, received_at)
     where n.account_id = $1 and n.id = t.id and n.received_at = t.received_at and n.state = 'unverified'`,
    [accountId, ids, ids.map((id) => new Date(idTime(id))), new Date(now)],
  );
  return rowCount ?? 0;
}

/** It is proven: from here on it goes the way of every other. @returns false: somebody else said so before */
export async function noteProven(
  pool: Pool,
  { accountId, id }: Unverified,
  as: {
    readonly mode: Mode;
    readonly event: string;
    readonly orderId: string | null;
    readonly state: "stored" | "waiting";
    readonly reason: string | null;
    readonly replies: readonly Reply[];
  },
): Promise<boolean> {
  const replies = as.replies.map(({ status, body }) => ({ status, body: Buffer.from(body).toString("base64") }));
  const { rowCount } = await pool.query(
    `update notification
     set state = $4, reason = $5, mode = $6, event = $7, order_id = $8, replies = $9, check_at = null, recorded_at = clock_timestamp()
     where account_id = $1 and id = $2 and received_at = $3 and state = 'unverified'`,
    [
      accountId,
      id,
      new Date(idTime(id)),
      as.state,
      as.reason,
      as.mode,
      as.event,
      as.orderId,
      replies.length === 0 ? null : JSON.stringify(replies),
    ],
  );
  return rowCount === 1;
}

/** It was a forgery: as if it had been refused at the door, so that the same bytes, once genuine, are news. */
export async function forget(pool: Pool, { accountId, id }: Unverified): Promise<void> {
  await pool.query(
    `with gone as (delete from notification where account_id = $1 and id = $2 and received_at = $3 and state = 'unverified' returning id)
     delete from arrival where account_id = $1 and notification_id in (select id from gone)`,
    [accountId, id, new Date(idTime(id))],
  );
}
