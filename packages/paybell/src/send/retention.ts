import type { Instant } from "@paybell/protocols/domain/day";
import type { Pool } from "pg";
import { ensurePartitions, forgetPartition } from "../db/partitions.ts";
import { defaultRetentionDays } from "../domain/settings.ts";

const dayMs = 86_400_000;
const aheadMs = 7 * dayMs;

/** What expires by an account's retention. */
const expiring = ["event", "delivery", "attempt"] as const;

/** Makes sure that what is written now, or within a week, has its partition. Costs nothing once it has. */
export async function ensureSpace(pool: Pool, now: Instant): Promise<void> {
  const known = knownOf(pool);
  const today = Math.floor(now / dayMs);
  if (known.ready.has(today)) return;
  const { rows } = await pool.query<{ days: number }>(
    "select distinct (settings->>'retention_days')::integer as days from account where settings ? 'retention_days'",
  );
  for (const { days } of rows) known.retentions.add(days);
  for (const days of known.retentions) await ensureRetention(pool, now, days);
  await ensurePartitions(pool, "publication", [now, now + aheadMs]);
  // A handful of days: tests travel in time, servers do not.
  if (known.ready.size > 100) known.ready.clear();
  known.ready.add(today);
}

/** An account has a new retention: from now on, other nodes have a week to notice. */
export async function ensureRetention(pool: Pool, now: Instant, days: number): Promise<void> {
  knownOf(pool).retentions.add(days);
  for (const table of expiring) await ensurePartitions(pool, table, [now + days * dayMs, now + days * dayMs + aheadMs]);
}

/**
 * Drops the partitions whose every row has expired, and those of publications nobody asks for any more. Waits for
 * nobody: a partition that is being read right now goes the next time.
 * @returns names of what was dropped
 */
export async function dropExpired(pool: Pool, at: Instant): Promise<string[]> {
  const now = await certain(pool, at);
  const { rows } = await pool.query<{ name: string }>(
    `select c.relname as name from pg_inherits i
     join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
     where p.relname = any($1) order by c.relname`,
    [[...expiring, "publication"]],
  );
  const dropped: string[] = [];
  for (const { name } of rows) {
    const [, table, year, month] = /^([a-z]+)_(\d{4})_(\d\d)$/.exec(name) ?? [];
    if (table === undefined) continue;
    const end = Date.UTC(Number(year), Number(month), 1);
    const keptMs = table === "publication" ? 62 * dayMs : 0;
    if (end + keptMs > now) continue;
    if (!(await drop(pool, name))) continue;
    dropped.push(name);
    forgetPartition(pool, name);
    knownOf(pool).ready.clear();
  }
  return dropped;
}

/** What is dropped is gone: a machine whose clock is ahead must not decide it alone. A clock given from outside may. */
async function certain(pool: Pool, now: Instant): Promise<Instant> {
  if (Math.abs(now - Date.now()) > 60_000) return now;
  const { rows } = await pool.query<{ at: Instant }>("select clock_timestamp() as at");
  return Math.min(now, rows[0]!.at);
}

async function drop(pool: Pool, name: string): Promise<boolean> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("set local lock_timeout = '100ms'");
    // Another node may have been faster.
    await client.query(`drop table if exists ${name}`);
    await client.query("commit");
    return true;
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    if ((error as { code?: string }).code === "55P03") return false;
    throw error;
  } finally {
    client.release();
  }
}

type Known = { readonly retentions: Set<number>; readonly ready: Set<number> };
const knownByPool = new WeakMap<Pool, Known>();

function knownOf(pool: Pool): Known {
  const known = knownByPool.get(pool) ?? { retentions: new Set([defaultRetentionDays]), ready: new Set() };
  knownByPool.set(pool, known);
  return known;
}
