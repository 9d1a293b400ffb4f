import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { Tx } from "../db/transaction.ts";
import { newId } from "../domain/id.ts";
import type { House } from "../house.ts";

export type ConnectionRow = {
  id: string;
  direction: "in" | "out";
  protocol: string;
  provider_account: string;
  name: string;
  mode: Mode;
  /** null: an outgoing one has none */
  token_sealed: Buffer | null;
  created_at: Instant;
  disabled_at: Instant | null;
  options: Record<string, string>;
  options_sealed: Buffer | null;
  last_received_at: Instant | null;
  refused_at: Instant | null;
  refused_reason: string | null;
  refused_sentence: string | null;
  unmapped: string[] | null;
};

export type SecretRow = {
  connection_id: string;
  id: string;
  sealed: Buffer;
  created_at: Instant;
  expires_at: Instant | null;
};

/** With their health. What came in is looked for within 90 days. */
export async function connectionRows(
  { pool, clock }: Pick<House, "pool" | "clock">,
  of: {
    readonly accountId: string;
    readonly modes: readonly Mode[];
    readonly id?: string;
    readonly direction?: "in" | "out" | undefined;
    readonly cursor?: string | undefined;
    readonly limit: number;
  },
): Promise<ConnectionRow[]> {
  const { rows } = await pool.query<ConnectionRow>(
    `
    select c.id, c.direction, c.protocol, c.provider_account, c.name, c.mode, c.token_sealed, c.created_at, c.disabled_at, c.options, c.options_sealed,
           n.received_at as last_received_at,
           r.received_at as refused_at, r.reason as refused_reason, r.sentence as refused_sentence,
           (select array_agg(distinct i.product_key)
              from item i join orders o on o.account_id = i.account_id and o.id = i.order_row
              where c.direction = 'in' and i.account_id = c.account_id and i.protocol = c.protocol and i.product_id is null and i.product_key <> ''
                and o.provider_account = c.provider_account) as unmapped
    from connection c
    left join lateral (
      select received_at from notification
      where c.direction = 'in' and account_id = c.account_id and connection_id = c.id and received_at > $6
      order by id desc limit 1) n on true
    left join lateral (
      select received_at, reason, sentence from refusal
      where c.direction = 'in' and account_id = c.account_id and connection_id = c.id
      order by id desc limit 1) r on true
    where c.account_id = $1 and c.mode = any($2) and ($3::uuid is null or c.id = $3) and ($4::uuid is null or c.id < $4)
      and ($7::text is null or c.direction = $7) and c.removed_at is null
    order by c.id desc limit $5 + 1`,
    [
      of.accountId,
      of.modes,
      of.id ?? null,
      of.cursor ?? null,
      of.limit,
      new Date(clock() - 90 * 86_400_000),
      of.direction ?? null,
    ],
  );
  return rows;
}

export async function secretRows(
  { pool }: Pick<House, "pool">,
  accountId: string,
  connectionIds: readonly string[],
): Promise<SecretRow[]> {
  const { rows } = await pool.query<SecretRow>(
    "select connection_id, id, sealed, created_at, expires_at from connection_secret where account_id = $1 and connection_id = any($2) order by expires_at nulls last, id",
    [accountId, connectionIds],
  );
  return rows;
}

export async function addSecrets(
  { seal }: Pick<House, "seal">,
  tx: Tx,
  accountId: string,
  connectionId: string,
  secrets: readonly string[],
  now: Instant,
): Promise<void> {
  for (const secret of secrets) {
    const id = newId(now);
    await tx.query(
      "insert into connection_secret (account_id, connection_id, id, sealed, created_at) values ($1, $2, $3, $4, $5)",
      [accountId, connectionId, id, seal.seal(secret, `secret:${id}`), new Date(now)],
    );
  }
}

/** Rotation: what was valid stays so until then, never longer than it would have been. */
export async function endOldSecrets(tx: Tx, accountId: string, connectionId: string, at: Instant): Promise<void> {
  await tx.query(
    `update connection_secret set expires_at = least(coalesce(expires_at, $3), $3)
     where account_id = $1 and connection_id = $2`,
    [accountId, connectionId, new Date(at)],
  );
}
