import type { Instant } from "@paybell/protocols/domain/day";
import type { Pool } from "pg";
import type { Context } from "../context.ts";
import { inTransaction } from "../db/transaction.ts";
import { closeAlarms, raiseAlarms } from "../fulfil/alarms.ts";
import { ensureSpace } from "../send/retention.ts";
import { unusualFrom } from "./silence.ts";

export type SilenceLook = {
  /** a part of what is due, at most once a minute; the first an hour after the start, when what providers try again is here */
  tick(): Promise<void>;
  /** all that is due */
  look(): Promise<void>;
};

/**
 * Tells the seller of connections that are silent for unusually long, once for each silence, and closes the alarm when
 * something arrives again. Of a connection one node looks at a time, and only when its silence may have become unusual.
 */
export function createSilenceLook(context: Context): SilenceLook {
  let nextMs = performance.now() + hourMs;
  return {
    async tick() {
      if (performance.now() < nextMs) return;
      const count = await lookAtDue(context);
      nextMs = performance.now() + (count === atOnce ? 0 : minuteMs);
    },
    async look() {
      while ((await lookAtDue(context)) === atOnce);
    },
  };
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** Connections in one go: some milliseconds each. */
const atOnce = 20;

/** @returns how many were due */
async function lookAtDue(context: Context): Promise<number> {
  const now = context.clock();
  const due = await takeDue(context.pool, now);
  for (const one of due) {
    const nextAt = await lookAt(context, one, now);
    await lookAgain(context.pool, one, nextAt, one.disabled ? now : one.heardFrom);
  }
  return due.length;
}

/** @returns when to look again */
async function lookAt(context: Context, one: Watched, now: Instant): Promise<Instant> {
  const { pool } = context;
  const { accountId, id, lastAt, heardFrom } = one;
  const since = Math.max(lastAt, heardFrom ?? lastAt);
  // One that was closed by hand is of this silence as well.
  const isTold = one.toldAt !== null && one.toldAt > since;
  if (one.isOpen && (one.disabled || !isTold)) await closeAlarms(pool, accountId, ["connection_silent"], id, now);
  if (one.disabled || isTold) return now + hourMs;
  const from = unusualFrom(await rhythmOf(pool, one), heardFrom ?? undefined);
  // Where more arrives than used to, silence is unusual sooner.
  if (from === null || from > now) return Math.min(from ?? now + dayMs, now + dayMs);
  await ensureSpace(pool, now);
  const data = {
    connection_id: id,
    connection: one.name,
    silent_since: new Date(since).toISOString(),
    what_to_do: whatToDo,
  };
  await inTransaction(pool, (tx) =>
    raiseAlarms(context, tx, [{ accountId, mode: "live", kind: "connection_silent", key: id, data, at: now }]),
  );
  return now + hourMs;
}

const whatToDo =
  "Look at the provider whether there were sales, and whether it still sends its notifications to this connection's address; what is missing can be sent again there.";

type Watched = {
  readonly accountId: string;
  readonly id: string;
  readonly name: string;
  readonly disabled: boolean;
  /** silence before does not count */
  readonly heardFrom: Instant | null;
  /** the latest arrival; of long ago: none within a year */
  readonly lastAt: Instant;
  /** when the alarm was raised last, though it may be closed */
  readonly toldAt: Instant | null;
  readonly isOpen: boolean;
};

/** Takes those due, for ten minutes: whoever dies over it leaves it to others. */
async function takeDue(pool: Pool, now: Instant): Promise<Watched[]> {
  const { rows } = await pool.query<{
    account_id: string;
    id: string;
    name: string;
    disabled: boolean;
    heard_from: Instant | null;
    last_at: Instant | null;
    told_at: Instant | null;
    is_open: boolean;
  }>({
    name: "take_connections_to_look_at",
    text: `
      with taken as (
        update connection c set look_at = $2
        from (select account_id, id from connection
              where direction = 'in' and mode = 'live' and look_at <= $1 order by look_at limit $4 for update skip locked) d
        where c.account_id = d.account_id and c.id = d.id
        returning c.account_id, c.id, c.name, c.disabled_at is not null or c.removed_at is not null as disabled, c.heard_from
      )
      select t.*, n.received_at as last_at, a.last_at as told_at, a.id is not null and a.closed_at is null as is_open
      from taken t
      left join lateral (
        select received_at from notification n
        where n.account_id = t.account_id and n.connection_id = t.id and n.mode = 'live' and n.state <> 'unverified' and n.received_at > $3
        order by received_at desc limit 1) n on true
      left join alarm a on a.account_id = t.account_id and a.mode = 'live' and a.kind = 'connection_silent' and a.key = t.id::text`,
    values: [new Date(now), new Date(now + 10 * minuteMs), new Date(now - 365 * dayMs), atOnce],
  });
  return rows.map((row) => ({
    accountId: row.account_id,
    id: row.id,
    name: row.name,
    disabled: row.disabled,
    heardFrom: row.heard_from,
    lastAt: row.last_at ?? Number.NEGATIVE_INFINITY,
    toldAt: row.told_at,
    isOpen: row.is_open,
  }));
}

/** Of each hour in which something arrived the latest arrival, the newest hours first: one step down an index for each. */
async function rhythmOf(pool: Pool, { accountId, id, lastAt }: Watched): Promise<Instant[]> {
  if (lastAt === Number.NEGATIVE_INFINITY) return [];
  const { rows } = await pool.query<{ received_at: Instant }>({
    name: "rhythm_of_connection",
    text: `
      with recursive heard as (
        select $3::timestamptz as received_at
        union all
        select (select n.received_at from notification n
                where n.account_id = $1 and n.connection_id = $2 and n.mode = 'live' and n.state <> 'unverified'
                  and n.received_at < date_trunc('hour', h.received_at, 'UTC') and n.received_at > $4
                order by n.received_at desc limit 1)
        from heard h where h.received_at is not null
      )
      select received_at from heard where received_at is not null limit $5`,
    values: [accountId, id, new Date(lastAt), new Date(lastAt - rhythmMs), mostHours],
  });
  return rows.map((row) => row.received_at);
}

/** Four weeks of one that is never silent, half a year of a slow one. */
const mostHours = 28 * 24;
const rhythmMs = 26 * 7 * dayMs;

async function lookAgain(
  pool: Pool,
  { accountId, id }: Watched,
  at: Instant,
  heardFrom: Instant | null,
): Promise<void> {
  await pool.query({
    name: "look_at_connection_again",
    text: "update connection set look_at = $3, heard_from = $4 where account_id = $1 and id = $2",
    values: [accountId, id, new Date(at), heardFrom === null ? null : new Date(heardFrom)],
  });
}
