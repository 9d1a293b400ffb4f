import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { PoolClient } from "pg";
import type { Context } from "../context.ts";
import { transpose } from "../db/rows.ts";
import { afterCommit } from "../db/transaction.ts";
import { newId } from "../domain/id.ts";
import { defaultRetentionDays } from "../domain/settings.ts";
import type { Offered } from "./lanes.ts";

/** Something our own side announces. */
export type Announcement = {
  readonly accountId: string;
  readonly mode: Mode;
  /** one of docs/events.md */
  readonly type: string;
  /** when it happened */
  readonly at: Instant;
  /** what stays in order on an ordered connection */
  readonly orderKey: string | null;
  readonly data: Readonly<Record<string, unknown>>;
};

/**
 * Writes events, and for each connection that wants one its delivery, in the transaction of the change they speak of.
 * The connections are asked in the same statement: none is missed, and none is remembered wrongly.
 * They are sent once it is committed.
 */
export async function addEvents(
  { clock, sending }: Pick<Context, "clock" | "sending">,
  tx: Pick<PoolClient, "query">,
  events: readonly Announcement[],
): Promise<void> {
  if (events.length === 0) return;
  const now = clock();
  const printed = events.map((event) => print(event, now));
  const { rows } = await tx.query<DeliveryRow>({
    name: "add_events",
    text: `
      with given as (
        select * from unnest(${printedTypes.map((type, index) => `$${index + 2}::${type}[]`).join(", ")})
          as t (account_id, id, mode, type, at, order_key, about, data)
      ), ${written("given")}
      ${writtenRows}`,
    values: [new Date(now), ...transpose(printed.map(printedRow))],
  });
  afterCommit(tx, () => {
    sending.announced(events.map((event) => event.accountId));
    if (rows.length > 0) sending.offer(offered(rows, printed));
  });
}

/** An event as it is stored and sent: its data printed once. */
export type Printed = Omit<Announcement, "data"> & {
  readonly id: string;
  /** whom it tells of: a customer's id, or an address in lower case; an alarm's id */
  readonly about: string | null;
  readonly data: string;
};

export function print(event: Announcement, now: Instant): Printed {
  return { ...event, id: newId(now), about: aboutOf(event.data), data: storable(JSON.stringify(event.data)) };
}

function aboutOf({ customer_id, buyer }: Announcement["data"]): string | null {
  if (typeof customer_id === "string") return customer_id;
  const email = typeof buyer === "object" && buyer !== null && "email" in buyer ? mended(buyer.email) : null;
  return typeof email === "string" && email !== "" ? email.toLowerCase() : null;
}

/** PostgreSQL cannot look into JSON with U+0000 or half a surrogate pair in it, and would refuse all that comes with it. */
function storable(json: string): string {
  if (!/\\u(0000|d[89a-f])/.test(json)) return json;
  return JSON.stringify(mended(JSON.parse(json)));
}

function mended(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("\0", "").replaceAll(/\p{Cs}/gu, "\u{fffd}");
  if (Array.isArray(value)) return value.map(mended);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [mended(name), mended(one)]));
}

export const printedTypes = ["uuid", "uuid", "text", "text", "timestamptz", "text", "text", "text"];

export function printedRow(event: Printed): unknown[] {
  const { accountId, id, mode, type, at, orderKey, about, data } = event;
  return [accountId, id, mode, type, new Date(at), orderKey, about, data];
}

/**
 * Common table expressions that write the events of `source` and their deliveries. `$1` is now.
 * @param source has account_id, id, mode, type, at, order_key, about, data
 */
export function written(source: string): string {
  return `
    e as (
      select g.*, $1::timestamptz + make_interval(days => coalesce((a.settings->>'retention_days')::integer, ${defaultRetentionDays})) as expires_at
      from ${source} g join account a on a.id = g.account_id
    ), added as (
      insert into event (account_id, id, expires_at, mode, type, at, order_key, about, data)
      select account_id, id, expires_at, mode, type, at, order_key, about, data::json from e
    ), d as (
      insert into delivery (account_id, id, expires_at, mode, lane_id, kind, state, due_at, created_at, event_id, order_key)
      select e.account_id, id_at($1), e.expires_at, e.mode, a.id, e.type, 'due', $1, $1, e.id, case when a.ordered then e.order_key end
      from e join address a on a.account_id = e.account_id and a.mode = e.mode and ${wants("a", "e")}
      returning account_id, id, expires_at, lane_id, event_id, order_key
    )`;
}

export const writtenRows = `
  select d.account_id, d.id, d.expires_at, d.lane_id, d.event_id, d.order_key, l.node,
         l.paused_at is not null or l.disabled_at is not null as held
  from d join lane l on l.account_id = d.account_id and l.id = d.lane_id`;

/** Does the connection want the event? Bad news of itself would only wait for it. A product filter leaves only what speaks of such a product; an amount filter, only what has no amount or a fitting one. */
export function wants(address: string, event: string): string {
  const amount = `${event}.data::json->'amount'`;
  return `${isOneOf(`${event}.type`, `${address}.types`)}
    and (split_part(${event}.type, '.', 1) not in ('connection', 'alarm') or position(${address}.id::text in ${event}.data::text) = 0)
    and (${address}.products is null or ${event}.data::json->'product'->>'id' = any(${address}.products)
      or ${event}.data::json->'product'->>'product_id' = any(${address}.products))
    and (${address}.min_minor is null or ${amount}->>'minor' is null or (${amount}->>'minor')::bigint >= ${address}.min_minor)
    and (${address}.max_minor is null or ${amount}->>'minor' is null or (${amount}->>'minor')::bigint <= ${address}.max_minor)
    and (${address}.currency is null or ${amount}->>'currency' is null or ${amount}->>'currency' = ${address}.currency)`;
}

/** Is the event type among these? `payment.*` stands for all that begin so; null for all there are. */
export function isOneOf(type: string, types: string): string {
  return `(${types} is null or ${type} = any(${types}) or split_part(${type}, '.', 1) || '.*' = any(${types}))`;
}

export type DeliveryRow = {
  account_id: string;
  id: string;
  expires_at: Instant;
  lane_id: string;
  event_id: string;
  order_key: string | null;
  node: string | null;
  held: boolean;
};

export function offered(rows: readonly DeliveryRow[], events: readonly Printed[]): Offered[] {
  if (rows.length === 0) return [];
  const byId = new Map(events.map((event) => [event.id, event]));
  return rows.flatMap((row): Offered[] => {
    const event = byId.get(row.event_id);
    if (!event || row.held) return [];
    return [
      {
        node: row.node,
        duty: {
          what: "event",
          accountId: row.account_id,
          laneId: row.lane_id,
          id: row.id,
          expiresAt: row.expires_at,
          attempts: 0,
          attemptsBefore: 0,
          orderKey: row.order_key,
          event: { id: event.id, type: event.type, at: event.at, test: event.mode === "test", data: event.data },
        },
      },
    ];
  });
}
