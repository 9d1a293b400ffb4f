import type { Instant } from "@paybell/protocols/domain/day";
import type { Pool } from "pg";
import type { AddressOptions } from "../domain/address.ts";
import type { Health } from "./health.ts";

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
