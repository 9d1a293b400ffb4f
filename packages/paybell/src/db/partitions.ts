import type { Instant } from "@paybell/protocols/domain/day";
import type { Pool } from "pg";

/** Tables that grow are cut by month, so that retention drops a partition instead of deleting rows. */
export type Partitioned = "notification" | "publication" | "event" | "delivery" | "attempt";

/** Makes sure the month of each instant has its partition. Costs nothing once it has. */
export async function ensurePartitions(pool: Pool, table: Partitioned, instants: readonly Instant[]): Promise<void> {
  const known = made.get(pool) ?? new Set<string>();
  made.set(pool, known);
  for (const month of new Set(instants.map((at) => new Date(at).toISOString().slice(0, 7)))) {
    const name = `${table}_${month.replace("-", "_")}`;
    if (known.has(name)) continue;
    await create(pool, table, name, month);
    known.add(name);
  }
}

/** It was dropped: whoever needs it makes it anew. */
export function forgetPartition(pool: Pool, name: string): void {
  made.get(pool)?.delete(name);
}

const made = new WeakMap<Pool, Set<string>>();

async function create(pool: Pool, table: Partitioned, name: string, month: string): Promise<void> {
  const from = new Date(`${month}-01T00:00:00Z`);
  const to = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + 1, 1));
  try {
    await pool.query(
      `create table if not exists ${name} partition of ${table} for values from ('${from.toISOString()}') to ('${to.toISOString()}')`,
    );
  } catch (error) {
    // Another node made it in the same instant.
    if (!["42P07", "23505", "42P17"].includes((error as { code?: string }).code ?? "")) throw error;
    const { rows } = await pool.query("select to_regclass($1) as found", [name]);
    if (rows[0]?.found === null) throw error;
  }
}
