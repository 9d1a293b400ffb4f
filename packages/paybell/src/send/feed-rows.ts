import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import { testEvent } from "@paybell/protocols/test-event";
import type { Pool } from "pg";
import { firstId } from "../domain/id.ts";
import { isOneOf, wants } from "./events.ts";
import type { Position } from "./feed.ts";

/*
 * Events in the order of the transactions that wrote them, and never beyond the oldest transaction that is still under
 * way: what it writes would come to lie before what was read already.
 */

/** Before all events. */
export const beforeAll: Position = { txid: "0", id: "00000000-0000-0000-0000-000000000000" };

export type FeedEvent = {
  readonly id: string;
  readonly type: string;
  readonly mode: Mode;
  readonly at: Instant;
  /** the provider's or platform's order */
  readonly order_key: string | null;
  /** JSON */
  readonly data: string;
};

export type FeedPage = {
  /** those that pass the filters */
  readonly events: readonly FeedEvent[];
  /** behind the last one that was looked at */
  readonly position: Position;
  /** there is more to read at once */
  readonly more: boolean;
  /** events are committed that may not be read yet, as an older transaction is under way */
  readonly held: boolean;
};

/**
 * The next events behind a position.
 * @param types event types, `payment.*` for a family; null: all
 * @param connectionId an outgoing connection whose filters hold too
 */
export async function readFeed(
  pool: Pool,
  {
    accountId,
    mode,
    after,
    types,
    connectionId,
  }: {
    readonly accountId: string;
    readonly mode: Mode;
    readonly after: Position;
    readonly types: readonly string[] | null;
    readonly connectionId: string | null;
  },
): Promise<FeedPage> {
  const filtered = connectionId !== null;
  const { rows } = await pool.query<PageRow>({
    name: filtered ? "feed_of_connection" : "feed",
    text: `
      select s.held, e.txid, e.id, e.type, e.mode, e.at, e.order_key, case when e.wanted then e.data::text end as data
      from (select (
        select txid >= pg_snapshot_xmin(pg_current_snapshot()) from event
        where account_id = $1 and mode = $2 order by txid desc, id desc limit 1) as held) s
      left join lateral (
        select e.*, ${isOneOf("e.type", "$6::text[]")} ${filtered ? `and a.id is not null and ${meant}` : ""} as wanted
        from (
          select id, txid, type, mode, at, order_key, data from event
          where account_id = $1 and mode = $2 and (txid, id) > ($3::xid8, $4::uuid)
            and txid < pg_snapshot_xmin(pg_current_snapshot())
          order by txid, id limit $5) e
        ${filtered ? "left join address a on a.account_id = $1 and a.id = $7" : ""}) e on true
      order by e.txid, e.id`,
    values: [accountId, mode, after.txid, after.id, pageSize, types, ...(filtered ? [connectionId] : [])],
  });
  const found = rows.flatMap((row): Found[] => (row.id === null ? [] : [row]));
  const last = found.at(-1);
  return {
    events: found.flatMap(({ id, type, mode: space, at, order_key, data }) =>
      data === null ? [] : [{ id, type, mode: space, at, order_key, data }],
    ),
    position: last ? { txid: last.txid, id: last.id } : after,
    more: found.length === pageSize,
    held: rows[0]?.held ?? false,
  };
}

/** A test is meant for the one connection it was made for. */
const meant = `
  case when e.type = '${testEvent}' then exists (select 1 from delivery d where d.event_id = e.id and d.lane_id = a.id)
  else ${wants("a", "e")} end`;

/** An event is a few kilobytes at most; a page of them is what one reader keeps in memory. */
const pageSize = 100;

type Found = Omit<FeedEvent, "data"> & { readonly txid: string; readonly data: string | null };
/** One row without an event says that there is none. */
type PageRow = { readonly held: boolean | null } & (Found | { readonly id: null });

/** Behind all that may be read now: what is committed later lies behind it. */
export async function newestPosition(pool: Pool, accountId: string, mode: Mode): Promise<Position> {
  const { rows } = await pool.query<Position>({
    name: "feed_newest",
    text: `
      select txid, id from event
      where account_id = $1 and mode = $2 and txid < pg_snapshot_xmin(pg_current_snapshot())
      order by txid desc, id desc limit 1`,
    values: [accountId, mode],
  });
  return rows[0] ?? beforeAll;
}

/** @returns undefined: there is no such event, or it is forgotten */
export async function positionOf(pool: Pool, accountId: string, id: string): Promise<Position | undefined> {
  const { rows } = await pool.query<Position>({
    name: "feed_position",
    text: "select txid, id from event where account_id = $1 and id = $2",
    values: [accountId, id],
  });
  return rows[0];
}

/** Before what was written since then. A few events that are older can lie behind it. */
export async function positionSince(pool: Pool, accountId: string, mode: Mode, at: Instant): Promise<Position> {
  // Ids begin with the time; of those that were written side by side, the second may have committed before the first.
  const { rows } = await pool.query<{ txid: string }>({
    name: "feed_since",
    text: `
      select txid from (
        select txid from event where account_id = $1 and mode = $2 and id >= $3 order by id limit 1000) e
      order by txid limit 1`,
    values: [accountId, mode, firstId(at)],
  });
  return rows[0] ? { txid: rows[0].txid, id: beforeAll.id } : newestPosition(pool, accountId, mode);
}
