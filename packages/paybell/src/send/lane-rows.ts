import type { Instant } from "@paybell/protocols/domain/day";
import type { Pool } from "pg";
import type { AddressOptions } from "../domain/address.ts";
import type { Health } from "./health.ts";
import type { Duty } from "./outcome.ts";

/** A lane as whoever holds it was given it. */
export type LaneRow = {
  readonly account_id: string;
  readonly id: string;
  readonly transport: "http" | "mail";
  readonly version: number;
  readonly failures: number;
  readonly failing_since: Instant | null;
  readonly open_until: Instant | null;
  readonly told: number;
  /** when it was last called, as far as that was written */
  readonly called_at: Instant | null;
  /** of an outgoing connection; null: mail */
  readonly address: {
    readonly format: string;
    readonly sealed: Buffer;
    readonly ordered: boolean;
    readonly options: AddressOptions;
    /** newest first */
    readonly secrets: readonly { readonly id: string; readonly sealed: Buffer; readonly expiresAt: Instant | null }[];
  } | null;
};

export function healthOf(row: LaneRow): Health {
  return {
    failures: row.failures,
    failingSince: row.failing_since,
    calledAt: row.called_at,
    openUntil: row.open_until,
  };
}

/**
 * Takes those of these lanes that nobody alive holds. What the row said when it was read must still hold when it is
 * written: of two who come at once, one gets it.
 */
export async function takeLanes(pool: Pool, node: string, ids: readonly string[]): Promise<LaneRow[]> {
  if (ids.length === 0) return [];
  const { rows } = await pool.query<LaneColumns>({
    name: "take_lanes",
    text: `
      with taken as (
        update lane l set node = $1
        from unnest($2::uuid[]) as wanted (id) join lane seen on seen.id = wanted.id
        where l.id = seen.id and l.account_id = seen.account_id and l.node is not distinct from seen.node
          and l.paused_at is null and l.disabled_at is null
          and (l.node is null or l.node = $1
               or not exists (select 1 from node n where n.id = l.node and n.leased_until > clock_timestamp()))
          and exists (select 1 from node n where n.id = $1 and n.leased_until > clock_timestamp())
        returning l.*
      )
      select ${laneColumns("taken")} from taken ${withAddress("taken")}`,
    values: [node, ids],
  });
  return rows.map(laneRow);
}

/** Who holds those of these lanes that may be served, by what is committed now. */
export async function readHolders(pool: Pool, ids: readonly string[]): Promise<{ id: string; node: string | null }[]> {
  const { rows } = await pool.query<{ id: string; node: string | null }>({
    name: "lane_holders",
    text: "select id, node from lane where id = any($1) and paused_at is null and disabled_at is null",
    values: [ids],
  });
  return rows;
}

/** A lane held by this node, again: something about it changed. @returns undefined: it may not be served any more */
export async function readLane(pool: Pool, node: string, id: string): Promise<LaneRow | undefined> {
  const { rows } = await pool.query<LaneColumns>({
    name: "read_lane",
    text: `
      select ${laneColumns("l")} from lane l ${withAddress("l")}
      where l.id = $2 and l.node = $1 and l.paused_at is null and l.disabled_at is null`,
    values: [node, id],
  });
  return rows[0] && laneRow(rows[0]);
}

export async function releaseLanes(pool: Pool, node: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await pool.query({
    name: "release_lanes",
    text: "update lane set node = null where id = any($2) and node = $1",
    values: [node, ids],
  });
}

/**
 * Lanes with due work that may be served now. Hops from lane to lane along the index: a million held deliveries
 * cost no more than one.
 * @returns `free`: nobody alive holds it
 */
export async function lanesWithWork(
  pool: Pool,
  node: string | null,
  now: Instant,
): Promise<{ id: string; free: boolean; mine: boolean }[]> {
  const { rows } = await pool.query<{ id: string; free: boolean; mine: boolean }>({
    name: "lanes_with_work",
    text: `
      with recursive ${firstDue}
      select l.id, l.node is not distinct from $2 as mine,
             l.node is null or not exists (select 1 from node n where n.id = l.node and n.leased_until > clock_timestamp()) as free
      from first join lane l on l.id = first.lane_id
      where first.due_at <= $1 and l.paused_at is null and l.disabled_at is null and (l.open_until is null or l.open_until <= $1)`,
    values: [new Date(now), node],
  });
  return rows;
}

/** Outgoing lanes with due work whose address is gone. */
export async function lanesWithoutAddress(pool: Pool): Promise<{ id: string }[]> {
  const { rows } = await pool.query<{ id: string }>(
    `with recursive ${firstDue}
     select l.id from first join lane l on l.id = first.lane_id
     where l.transport = 'http' and not exists (select 1 from address a where a.account_id = l.account_id and a.id = l.id)`,
  );
  return rows;
}

/** Of each lane what is due first. */
const firstDue = `first as (
        (select lane_id, due_at from delivery where state = 'due' order by lane_id, due_at limit 1)
        union all
        select n.lane_id, n.due_at
        from first cross join lateral (
          select lane_id, due_at from delivery where state = 'due' and lane_id > first.lane_id order by lane_id, due_at limit 1) n
      )`;

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

type LaneColumns = Omit<LaneRow, "address"> & {
  readonly format: string | null;
  readonly sealed: Buffer;
  readonly ordered: boolean;
  readonly options: AddressOptions;
  readonly secret_ids: readonly string[] | null;
  readonly secrets: readonly string[] | null;
  readonly secrets_expire: readonly (Instant | null)[] | null;
};

function laneColumns(lane: string): string {
  return `${["account_id", "id", "transport", "version", "failures", "failing_since", "open_until", "told"].map((name) => `${lane}.${name}`).join(", ")},
    greatest(${lane}.last_sent_at, (${lane}.last_failure->>'at')::timestamptz) as called_at,
    a.format, a.sealed, a.ordered, a.options, s.secret_ids, s.secrets, s.secrets_expire`;
}

function withAddress(lane: string): string {
  return `left join address a on a.account_id = ${lane}.account_id and a.id = ${lane}.id
    left join lateral (
      select array_agg(s.id::text order by s.created_at desc, s.id desc) as secret_ids,
             array_agg(encode(s.sealed, 'base64') order by s.created_at desc, s.id desc) as secrets,
             array_agg(s.expires_at order by s.created_at desc, s.id desc) as secrets_expire
      from connection_secret s where s.account_id = ${lane}.account_id and s.connection_id = ${lane}.id) s on true`;
}

function laneRow(row: LaneColumns): LaneRow {
  const { format, sealed, ordered, options, secret_ids, secrets, secrets_expire, ...lane } = row;
  return {
    ...lane,
    address:
      format === null
        ? null
        : {
            format,
            sealed,
            ordered,
            options,
            secrets: (secret_ids ?? []).map((id, index) => ({
              id,
              sealed: Buffer.from(secrets?.[index] ?? "", "base64"),
              expiresAt: secrets_expire?.[index] ?? null,
            })),
          },
  };
}

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
