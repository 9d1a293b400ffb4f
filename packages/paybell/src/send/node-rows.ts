import type { Pool } from "pg";

export const leaseSeconds = 5;

/** A node's lease: from now on it may hold lanes. */
export async function registerNode(pool: Pool, id: string, name: string): Promise<void> {
  await pool.query(
    `with gone as (delete from node where leased_until < clock_timestamp() - interval '1 hour')
     insert into node (id, name, started_at, leased_until)
     values ($1, $2, clock_timestamp(), clock_timestamp() + make_interval(secs => $3))`,
    [id, name, leaseSeconds],
  );
}

/** @returns the lanes it still holds, with their versions; undefined: it came too late, and holds nothing any more */
export async function renewLease(pool: Pool, node: string): Promise<Map<string, number> | undefined> {
  const { rows } = await pool.query<{ id: string | null; version: number | null }>({
    name: "renew_lease",
    text: `
      with renewed as (
        update node set leased_until = clock_timestamp() + make_interval(secs => $2)
        where id = $1 and leased_until > clock_timestamp()
        returning id
      )
      select l.id, l.version from renewed r left join lane l on l.node = r.id`,
    values: [node, leaseSeconds],
  });
  if (rows.length === 0) return undefined;
  return new Map(rows.flatMap((row) => (row.id === null || row.version === null ? [] : [[row.id, row.version]])));
}

/** Nodes whose lease still runs. */
export async function otherNodes(pool: Pool): Promise<{ id: string; name: string }[]> {
  const { rows } = await pool.query<{ id: string; name: string }>(
    "select id, name from node where leased_until > clock_timestamp()",
  );
  return rows;
}

export async function endNode(pool: Pool, node: string): Promise<void> {
  await pool.query("with freed as (update lane set node = null where node = $1) delete from node where id = $1", [
    node,
  ]);
}
