import type { Instant } from "@paybell/protocols/domain/day";
import type { Pool } from "pg";
import type { LaneRow } from "./lane-rows.ts";
import type { Duty } from "./outcome.ts";

/** What is due on a lane, the longest due first. */
export async function readDue(pool: Pool, lane: LaneRow, now: Instant, limit: number): Promise<Duty[]> {
  if (lane.transport === "mail") {
    const { rows } = await pool.query<MailColumns>({
      name: "due_mails",
      text: `
        select account_id, id, expires_at, lane_id, attempts, attempts_before, item_id, recipient, needs_access, sealed
        from delivery where lane_id = $1 and state = 'due' and due_at <= $2 order by due_at limit $3`,
      values: [lane.id, new Date(now), limit],
    });
    return rows.map(mailDuty);
  }
  const { rows } = await pool.query<EventColumns>(
    lane.address?.ordered ? dueInOrder(lane, now, limit) : due(lane, now, limit),
  );
  if (lane.address?.ordered && rows.length < limit) await holdBack(pool, lane.id, now);
  return rows.map(eventDuty);
}

/**
 * Of each of these orders what comes first, where it is due. A walk along the index for each order, however much there
 * is of it and of others.
 */
export async function readNext(pool: Pool, lane: LaneRow, now: Instant, orders: readonly string[]): Promise<Duty[]> {
  const { rows } = await pool.query<EventColumns & { due_at: Instant }>({
    name: "next_of_orders",
    text: `
      select ${eventColumns}, d.due_at
      from unnest($2::text[]) as o (order_key)
      cross join lateral (
        select * from delivery where lane_id = $1 and state = 'due' and order_key = o.order_key order by event_id limit 1) d
      ${itsEvent}
      order by d.due_at`,
    values: [lane.id, orders],
  });
  const waiting = rows.filter((row) => row.due_at > now);
  if (waiting.length > 0) {
    await pool.query({
      name: "hold_back_orders",
      text: `
        update delivery d set due_at = f.due_at
        from unnest($3::text[], $4::timestamptz[]) as f (order_key, due_at)
        where d.lane_id = $1 and d.state = 'due' and d.order_key = f.order_key and d.due_at <= $2`,
      values: [lane.id, new Date(now), waiting.map((row) => row.order_key), waiting.map((row) => new Date(row.due_at))],
    });
  }
  return rows.filter((row) => row.due_at <= now).map(eventDuty);
}

const eventColumns = `d.account_id, d.id, d.expires_at, d.lane_id, d.attempts, d.attempts_before, d.order_key,
  e.id as event_id, e.type, e.at, e.mode, e.data::text as data`;
const itsEvent = "join event e on e.account_id = d.account_id and e.id = d.event_id and e.expires_at = d.expires_at";

function due(lane: LaneRow, now: Instant, limit: number) {
  return {
    name: "due_events",
    text: `
      select ${eventColumns}
      from (select * from delivery where lane_id = $1 and state = 'due' and due_at <= $2 order by due_at limit $3) d ${itsEvent}
      order by d.due_at`,
    values: [lane.id, new Date(now), limit],
  };
}

/** Of what comes first of the order of `d`. That it is sorted makes PostgreSQL walk the index of orders, whatever it knows. */
function firstOf(column: string): string {
  return `select b.${column} from delivery b where b.lane_id = $1 and b.state = 'due' and b.order_key = d.order_key order by b.event_id limit 1`;
}

/** Only what has nothing of the same order before it. */
function dueInOrder(lane: LaneRow, now: Instant, limit: number) {
  return {
    name: "due_events_in_order",
    text: `
      select ${eventColumns}
      from (
        select * from delivery d
        where lane_id = $1 and state = 'due' and due_at <= $2 and (order_key is null or event_id = (${firstOf("event_id")}))
        order by due_at limit $3) d ${itsEvent}
      order by d.due_at`,
    values: [lane.id, new Date(now), limit],
  };
}

/** What must wait for another of its order is due when that is. */
async function holdBack(pool: Pool, laneId: string, now: Instant): Promise<void> {
  await pool.query({
    name: "hold_back",
    text: `
      update delivery d set due_at = f.due_at
      from (
        select d.account_id, d.id, d.expires_at, b.due_at
        from (select * from delivery where lane_id = $1 and state = 'due' and due_at <= $2 and order_key is not null) d
        cross join lateral (${firstOf("due_at")}) b
        where b.due_at > $2
      ) f
      where d.account_id = f.account_id and d.id = f.id and d.expires_at = f.expires_at and d.state = 'due'`,
    values: [laneId, new Date(now)],
  });
}

/**
 * An address that is well again: what failed meanwhile does not wait for its next turn. Such a try costs none of its
 * schedule, and there are three of them: who is well for a moment only must be neither pressed nor given up.
 */
export async function bringForward(pool: Pool, laneId: string, now: Instant): Promise<void> {
  // In steps, so that no statement is long.
  for (let changed = mostAtOnce; changed === mostAtOnce; ) {
    const { rowCount } = await pool.query({
      name: "bring_forward",
      text: `
        update delivery d
        set due_at = $2, hurried = d.hurried + 1, attempts_before = least(d.attempts, d.attempts_before + 1)
        from (select account_id, id, expires_at from delivery
              where lane_id = $1 and state = 'due' and due_at > $2 and (hurried < ${mostHurried} or attempts = 0)
              order by due_at limit $3 for update skip locked) f
        where d.account_id = f.account_id and d.id = f.id and d.expires_at = f.expires_at`,
      values: [laneId, new Date(now), mostAtOnce],
    });
    changed = rowCount ?? 0;
  }
}

const mostAtOnce = 1000;
const mostHurried = 3;

type DeliveryColumns = {
  readonly account_id: string;
  readonly id: string;
  readonly expires_at: Instant;
  readonly lane_id: string;
  readonly attempts: number;
  readonly attempts_before: number;
};

type MailColumns = DeliveryColumns & {
  readonly item_id: string | null;
  readonly recipient: string | null;
  readonly needs_access: boolean;
  readonly sealed: Buffer;
};

type EventColumns = DeliveryColumns & {
  readonly order_key: string | null;
  readonly event_id: string;
  readonly type: string;
  readonly at: Instant;
  readonly mode: string;
  readonly data: string;
};

function duty(row: DeliveryColumns) {
  return {
    accountId: row.account_id,
    laneId: row.lane_id,
    id: row.id,
    expiresAt: row.expires_at,
    attempts: row.attempts,
    attemptsBefore: row.attempts_before,
  };
}

function mailDuty(row: MailColumns): Duty {
  return {
    ...duty(row),
    what: "mail",
    orderKey: null,
    itemId: row.item_id,
    recipient: row.recipient,
    needsAccess: row.needs_access,
    sealed: row.sealed,
  };
}

function eventDuty(row: EventColumns): Duty {
  return {
    ...duty(row),
    what: "event",
    orderKey: row.order_key,
    event: { id: row.event_id, type: row.type, at: row.at, test: row.mode === "test", data: row.data },
  };
}
