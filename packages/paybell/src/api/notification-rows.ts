import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import { idTime } from "../domain/id.ts";
import type { House } from "../house.ts";

/** unverified: the provider has to be asked first */
export type Verdict = "verified" | "unverified" | "refused";

/** A notification, or what was refused: never both. */
export type NotificationRow = {
  id: string;
  verdict: Verdict;
  /** the query shows "stored" as waiting */
  state: "applied" | "waiting" | "ignored";
  reason: string | null;
  sentence: string | null;
  arrivals: bigint;
  event: string | null;
  order_id: string | null;
  connection_id: string;
  protocol: string;
  mode: Mode;
  received_at: Instant;
  size: number;
};

export type NotificationFilter = {
  readonly accountId: string;
  readonly modes: readonly Mode[];
  readonly id?: string;
  readonly verdict?: Verdict | undefined;
  /** as shown: `waiting` is also what was not applied yet */
  readonly state?: "applied" | "waiting" | "ignored" | undefined;
  readonly order_id?: string | undefined;
  readonly connection_id?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
};

/** Newest first, at most one more than `limit`. */
export async function notificationRows(
  { pool }: Pick<House, "pool">,
  of: NotificationFilter,
): Promise<NotificationRow[]> {
  const states =
    of.state === undefined ? null : of.state === "waiting" ? ["waiting", "stored", "unverified"] : [of.state];
  // An id holds its instant: the cursor tells which partitions are behind it.
  const before = of.cursor === undefined ? null : new Date(idTime(of.cursor) + 1);
  const at = of.id === undefined ? null : new Date(idTime(of.id));
  const refusals = of.order_id === undefined && (of.state === undefined || of.state === "ignored");
  const { rows } = await pool.query<NotificationRow>(
    `
    with kept as (
      select n.id, case n.state when 'unverified' then 'unverified' else 'verified' end as verdict,
             case when n.state in ('stored', 'unverified') then 'waiting' else n.state end as state,
             case n.state when 'stored' then 'not_applied_yet' when 'unverified' then 'not_verified_yet' else n.reason end as reason,
             case n.state when 'unverified' then n.reason end as sentence, n.event, n.order_id, n.connection_id, n.protocol, n.mode, n.received_at,
             octet_length(n.body) as size
      from notification n
      where n.account_id = $1 and n.mode = any($2)
        and ($3::uuid is null or (n.id = $3 and n.received_at = $4))
        and ($5::text[] is null or n.state = any($5))
        and ($6::text is null or n.order_id = $6)
        and ($7::uuid is null or n.connection_id = $7)
        and ($8::uuid is null or (n.id < $8 and n.received_at < $9))
        and $11 and ($13::text is null or (n.state = 'unverified') = ($13 = 'unverified'))
      order by n.id desc limit $10 + 1
    ), refused as (
      select r.id, 'refused' as verdict, 'ignored' as state, r.reason, r.sentence, null as event, null as order_id,
             r.connection_id, c.protocol, c.mode, r.received_at, r.body_length as size
      from refusal r join connection c on c.account_id = r.account_id and c.id = r.connection_id
      where r.account_id = $1 and c.mode = any($2)
        and ($3::uuid is null or r.id = $3)
        and ($7::uuid is null or r.connection_id = $7)
        and ($8::uuid is null or r.id < $8)
        and $12
      order by r.id desc limit $10 + 1
    ), both_kinds as (
      select * from kept union all select * from refused order by id desc limit $10 + 1
    )
    select b.*, case b.verdict when 'refused' then 1 else coalesce(
             (select sum(a.arrivals) from arrival a where a.account_id = $1 and a.notification_id = b.id), 1) end as arrivals
    from both_kinds b order by b.id desc`,
    [
      of.accountId,
      of.modes,
      of.id ?? null,
      at,
      states,
      of.order_id ?? null,
      of.connection_id ?? null,
      of.cursor ?? null,
      before,
      of.limit,
      of.verdict !== "refused",
      (of.verdict === undefined || of.verdict === "refused") && refusals,
      of.verdict ?? null,
    ],
  );
  return rows;
}

export type NotificationBytes = { headers: string; body: Buffer; redacted: boolean };

export async function notificationBytes(
  { pool }: Pick<House, "pool">,
  accountId: string,
  { id, verdict, received_at }: NotificationRow,
): Promise<NotificationBytes | undefined> {
  const { rows } =
    verdict !== "refused"
      ? await pool.query<NotificationBytes>(
          `select headers, body, redacted_at is not null as redacted from notification
           where account_id = $1 and id = $2 and received_at = $3`,
          [accountId, id, new Date(received_at)],
        )
      : await pool.query<NotificationBytes>(
          "select headers, body, false as redacted from refusal where account_id = $1 and id = $2",
          [accountId, id],
        );
  return rows[0];
}

export type NotificationFactRow = {
  kind: string;
  happened_at: Instant;
  item_id: string;
  order_id: string;
  product_key: string;
  amount_minor: bigint | null;
  currency: string | null;
};

/** The facts that came from it first. */
export async function factsFrom(
  { pool }: Pick<House, "pool">,
  accountId: string,
  notificationId: string,
): Promise<NotificationFactRow[]> {
  const { rows } = await pool.query<NotificationFactRow>(
    `select f.kind, f.happened_at, f.item_id, o.order_id, i.product_key, f.amount_minor, f.currency
     from fact f
     join item i on i.account_id = f.account_id and i.id = f.item_id
     join orders o on o.account_id = i.account_id and o.id = i.order_row
     where f.account_id = $1 and f.notification_id = $2 order by f.id`,
    [accountId, notificationId],
  );
  return rows;
}

/** Which to process again, oldest first. */
export async function idsToReplay(
  { pool }: Pick<House, "pool">,
  of: {
    readonly accountId: string;
    readonly modes: readonly Mode[];
    readonly states: readonly string[];
    readonly since: Instant | null;
    readonly after: string | null;
    readonly limit: number;
  },
): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select id from notification
     where account_id = $1 and mode = any($2) and state = any($3)
       and ($4::timestamptz is null or received_at >= $4) and ($5::uuid is null or id > $5)
     order by id limit $6`,
    [of.accountId, of.modes, of.states, of.since === null ? null : new Date(of.since), of.after, of.limit],
  );
  return rows.map((row) => row.id);
}
