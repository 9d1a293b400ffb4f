import { testEvent } from "@paybell/protocols/test-event";
import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import { idTime } from "../domain/id.ts";
import type { House } from "../house.ts";
import { isOneOf, wants } from "../send/events.ts";
import { beforeAll, positionOf, positionSince } from "../send/feed-rows.ts";

export type EventRow = {
  id: string;
  type: string;
  mode: Mode;
  at: Instant;
  order_key: string | null;
  data: Record<string, unknown>;
};

export type EventFilter = {
  readonly accountId: string;
  readonly modes: readonly Mode[];
  readonly id?: string;
  /** or `payment.*` for all that begin so */
  readonly type?: string | undefined;
  readonly order_id?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
};

/** Newest first. @returns up to one more than `limit` */
export async function eventRows({ pool }: Pick<House, "pool">, of: EventFilter): Promise<EventRow[]> {
  const { rows } = await pool.query<EventRow>(
    `select e.id, e.type, e.mode, e.at, e.order_key, e.data from event e
     where e.account_id = $1 and e.mode = any($2) and ($3::uuid is null or e.id = $3) and ${isOneOf("e.type", "$4::text[]")}
       and ($5::text is null or e.order_key = $5) and ($6::uuid is null or e.id < $6)
     order by e.id desc limit $7 + 1`,
    [of.accountId, of.modes, of.id ?? null, typesOf(of), of.order_id ?? null, of.cursor ?? null, of.limit],
  );
  return rows;
}

export type Polled = {
  /** at most `limit` */
  readonly rows: readonly EventRow[];
  /** behind the last one that was looked at; null: none was */
  readonly lastId: string | null;
  /** there is more to look at */
  readonly more: boolean;
};

/**
 * In the order in which they became known, and never beyond a transaction that is still under way: what it writes would
 * come to lie before what was read already. However rare what is asked for, a bounded number of events is looked at.
 * @param after id of an event, `start` for the oldest there is. One that is forgotten by now stands for its time.
 */
export async function eventsAfter(
  { pool }: Pick<House, "pool">,
  of: Omit<EventFilter, "cursor" | "modes"> & { readonly mode: Mode; readonly after: string },
): Promise<Polled> {
  const position =
    of.after === "start"
      ? beforeAll
      : ((await positionOf(pool, of.accountId, of.after)) ??
        (await positionSince(pool, of.accountId, of.mode, idTime(of.after))));
  const isFiltered = of.type !== undefined || of.order_id !== undefined;
  const mostSeen = isFiltered ? mostLookedAt : of.limit + 1;
  const { rows } = await pool.query<(EventRow | { id: null }) & { seen: number; last_id: string | null }>(
    `with seen as materialized (
       select e.id, e.txid, e.type, e.mode, e.at, e.order_key, e.data,
              ${isOneOf("e.type", "$5::text[]")} and ($6::text is null or e.order_key = $6) as wanted
       from event e
       where e.account_id = $1 and e.mode = $2 and (e.txid, e.id) > ($3::xid8, $4::uuid)
         and e.txid < pg_snapshot_xmin(pg_current_snapshot())
       order by e.txid, e.id limit $8
     )
     select s.seen, s.last_id, f.id, f.type, f.mode, f.at, f.order_key, f.data
     from (select (select count(*)::integer from seen) as seen, (select id from seen order by txid desc, id desc limit 1) as last_id) s
     left join (select * from seen where wanted order by txid, id limit $7 + 1) f on true
     order by f.txid, f.id`,
    [of.accountId, of.mode, position.txid, position.id, typesOf(of), of.order_id ?? null, of.limit, mostSeen],
  );
  const found = rows.flatMap((row): EventRow[] => {
    if (row.id === null) return [];
    const { id, type, mode, at, order_key, data } = row;
    return [{ id, type, mode, at, order_key, data }];
  });
  const shown = found.slice(0, of.limit);
  if (found.length > shown.length) return { rows: shown, lastId: shown.at(-1)!.id, more: true };
  const { seen, last_id } = rows[0]!;
  return { rows: shown, lastId: last_id, more: seen === mostSeen };
}

/** A few milliseconds' work. */
const mostLookedAt = 1000;

function typesOf({ type }: { readonly type?: string | undefined }): string[] | null {
  return type === undefined ? null : [type];
}

/**
 * A new delivery of an event, which expires with it, to each connection that wants it, or to the named one whether it
 * wants it or not.
 * @returns the deliveries and their lanes
 */
export async function replayEvent(
  { pool }: Pick<House, "pool">,
  of: { readonly accountId: string; readonly id: string; readonly connectionId: string | null },
  now: Instant,
): Promise<{ id: string; lane_id: string }[]> {
  const { rows } = await pool.query<{ id: string; lane_id: string }>(
    `insert into delivery (account_id, id, expires_at, mode, lane_id, kind, state, due_at, created_at, event_id, order_key)
     select e.account_id, id_at($4), e.expires_at, e.mode, a.id, e.type, 'due', $4, $4, e.id, case when a.ordered then e.order_key end
     from event e
     join address a on a.account_id = e.account_id and a.mode = e.mode
       and case when $3::uuid is null then ${wants("a", "e")} else a.id = $3 end
     where e.account_id = $1 and e.id = $2 and e.type <> '${testEvent}'
     returning id, lane_id`,
    [of.accountId, of.id, of.connectionId, new Date(now)],
  );
  return rows;
}
