import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import { z } from "zod";
import type { House } from "../house.ts";
import { isOneOf } from "../send/events.ts";
import { iso, isoInstant } from "./instant.ts";

export const deliveryStates = ["due", "sent", "kept", "failed", "bounced", "dropped"] as const;

export const deliverySchema = z.object({
  id: z.string(),
  transport: z.enum(["http", "mail"]),
  mode: z.enum(["live", "test"]),
  /** null: a mail */
  connection_id: z.string().nullable(),
  /** null: a mail */
  event_id: z.string().nullable(),
  /** the event's type; which mail */
  type: z.string(),
  order_id: z.string().nullable(),
  /** of a mail: to whom */
  to: z.string().nullable(),
  state: z.enum(deliveryStates),
  /** of what was not sent: `code: sentence`, or a word */
  reason: z.string().nullable(),
  /** why something that is due is not sent for now: its address is paused, disabled, or left alone for a while as it fails */
  held: z.enum(["paused", "disabled", "failing"]).nullable(),
  attempts: z.int(),
  /** null: there is no next one */
  next_attempt_at: isoInstant.nullable(),
  created_at: isoInstant,
  sent_at: isoInstant.nullable(),
});

export type DeliveryRow = {
  id: string;
  mode: Mode;
  lane_id: string;
  kind: string;
  state: (typeof deliveryStates)[number];
  reason: string | null;
  attempts: number;
  due_at: Instant;
  created_at: Instant;
  sent_at: Instant | null;
  event_id: string | null;
  order_id: string | null;
  recipient: string | null;
  paused_at: Instant | null;
  disabled_at: Instant | null;
  open_until: Instant | null;
};

export type DeliveryFilter = {
  readonly accountId: string;
  readonly modes: readonly Mode[];
  readonly ids?: readonly string[];
  readonly connection_id?: string | undefined;
  readonly event_id?: string | undefined;
  readonly order_id?: string | undefined;
  readonly state?: string | undefined;
  readonly transport?: "http" | "mail" | undefined;
  readonly type?: string | undefined;
  /** made between these, as ids */
  readonly from?: string | undefined;
  readonly before?: string | undefined;
  readonly limit: number;
};

/** Newest first. @returns up to one more than `limit` */
export async function deliveryRows({ pool }: Pick<House, "pool">, of: DeliveryFilter): Promise<DeliveryRow[]> {
  const { rows } = await pool.query<DeliveryRow>(
    `
    select d.id, d.mode, d.lane_id, d.kind, d.state, d.reason, d.attempts, d.due_at, d.created_at, d.sent_at, d.event_id,
           coalesce(e.order_key, o.order_id) as order_id, d.recipient, l.paused_at, l.disabled_at, l.open_until
    from (
      select d.* from ${of.order_id === undefined ? "delivery d" : ofOrder}
      where d.account_id = $1 and d.mode = any($2) and ($3::uuid[] is null or d.id = any($3))
        and ($4::uuid is null or d.lane_id = $4) and ($5::uuid is null or d.event_id = $5)
        and ($6::text is null or d.state = $6) and ${isOneOf("d.kind", "$7::text[]")}
        and ($8::uuid is null or d.id >= $8) and ($9::uuid is null or d.id < $9)
        ${of.transport === undefined ? "" : ofTransport[of.transport]}
      order by d.id desc limit $10 + 1) d
    left join event e on e.account_id = d.account_id and e.id = d.event_id and e.expires_at = d.expires_at
    left join item i on i.account_id = d.account_id and i.id = d.item_id
    left join orders o on o.account_id = i.account_id and o.id = i.order_row
    left join lane l on l.account_id = d.account_id and l.id = d.lane_id
    order by d.id desc`,
    [
      of.accountId,
      of.modes,
      of.ids ?? null,
      // An account's mails have a lane of their own, and with it an index.
      of.connection_id ?? (of.transport === "mail" ? of.accountId : null),
      of.event_id ?? null,
      of.state ?? null,
      of.type === undefined ? null : [of.type],
      of.from ?? null,
      of.before ?? null,
      of.limit,
      ...(of.order_id === undefined ? [] : [of.order_id]),
    ],
  );
  return rows;
}

const ofTransport = { http: "and d.event_id is not null", mail: "and d.sealed is not null" };

/** Through the order's events and items, so that few are looked at and not all there are. */
const ofOrder = `(
  select d.* from event e join delivery d on d.account_id = e.account_id and d.event_id = e.id
  where e.account_id = $1 and e.order_key = $11
  union all
  select d.* from orders o
  join item i on i.account_id = o.account_id and i.order_row = o.id
  join delivery d on d.account_id = i.account_id and d.item_id = i.id
  where o.account_id = $1 and o.order_id = $11) d`;

export function shownDelivery(row: DeliveryRow, now: Instant): z.input<typeof deliverySchema> {
  const isMail = row.event_id === null;
  const isDue = row.state === "due";
  return {
    id: row.id,
    transport: isMail ? "mail" : "http",
    mode: row.mode,
    connection_id: isMail ? null : row.lane_id,
    event_id: row.event_id,
    type: row.kind,
    order_id: row.order_id,
    to: row.recipient,
    state: row.state,
    reason: row.reason,
    held: isDue ? heldBy(row, now) : null,
    attempts: row.attempts,
    next_attempt_at: isDue ? iso(row.due_at) : null,
    created_at: iso(row.created_at),
    sent_at: iso(row.sent_at),
  };
}

function heldBy({ disabled_at, paused_at, open_until }: DeliveryRow, now: Instant) {
  if (disabled_at !== null) return "disabled";
  if (paused_at !== null) return "paused";
  return open_until !== null && open_until > now ? "failing" : null;
}
