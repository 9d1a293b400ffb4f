import { afterEach, expect, test, vi } from "vitest";
import { createPool } from "../db/pool.ts";
import { newId } from "../domain/id.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { createPublisher } from "./publish.ts";
import { dropExpired, ensureRetention, ensureSpace } from "./retention.ts";

afterEach(() => void vi.restoreAllMocks());

const at = (text: string) => Date.parse(`${text}T00:00:00Z`);
const names = (table: string, ...months: string[]) => months.map((month) => `${table}_${month.replace("-", "_")}`);

async function partitions({ pool }: TestDatabase, table: string): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    "select inhrelid::regclass::text as name from pg_inherits where inhparent = $1::regclass order by 1",
    [table],
  );
  return rows.map((row) => row.name);
}

async function account({ pool }: TestDatabase, settings: Record<string, unknown>): Promise<string> {
  const id = newId(Date.now());
  await pool.query("insert into account (id, name, settings, created_at) values ($1, 'Shop', $2, now())", [
    id,
    settings,
  ]);
  return id;
}

test("there is room for what is written now and within a week, by each account's retention", async () => {
  const database = await testDatabase();
  await account(database, { retention_days: 30 });
  await account(database, { retention_days: 400 });
  await ensureSpace(database.pool, at("2025-01-28"));
  for (const table of ["event", "delivery", "attempt"]) {
    // In 30, 90 and 400 days, and a week later.
    const wanted = names(table, "2025-02", "2025-03", "2025-04", "2025-05", "2026-03");
    expect(await partitions(database, table)).toEqual(expect.arrayContaining(wanted));
  }
  expect(await partitions(database, "publication")).toEqual(
    expect.arrayContaining(names("publication", "2025-01", "2025-02")),
  );
});

test("asked again on the same day it asks the store nothing; on the next day it looks again", async () => {
  const database = await testDatabase();
  const pool = createPool(database.connection);
  await ensureSpace(pool, at("2025-01-10"));
  const query = vi.spyOn(pool, "query");
  await ensureSpace(pool, at("2025-01-10") + 86_000_000);
  expect(query).not.toHaveBeenCalled();
  await account(database, { retention_days: 31 });
  await ensureSpace(pool, at("2025-01-11"));
  expect(await partitions(database, "event")).toEqual(expect.arrayContaining(names("event", "2025-02")));
  await pool.end();
});

test("a new retention has its room at once, on two nodes at the same time", async () => {
  const database = await testDatabase();
  const pools = [createPool(database.connection), createPool(database.connection)];
  await Promise.all(
    pools.flatMap((pool) => [ensureSpace(pool, at("2025-01-10")), ensureRetention(pool, at("2025-01-10"), 200)]),
  );
  expect(await partitions(database, "delivery")).toEqual(
    expect.arrayContaining(names("delivery", "2025-07", "2025-08")),
  );
  await Promise.all(pools.map((pool) => pool.end()));
});

/** Three accounts that keep what they publish for different times. */
async function kept(database: TestDatabase) {
  const { pool } = database;
  const ids = [
    await account(database, { retention_days: 30 }),
    await account(database, {}),
    await account(database, { retention_days: 400 }),
  ];
  const now = at("2025-01-10");
  const sending = { offer: () => undefined, look: () => undefined, announced: () => undefined };
  const publisher = createPublisher({ pool, clock: () => now, sending }, () => undefined);
  await publisher.publish(
    ids.map((accountId) => ({
      accountId,
      mode: "live",
      type: "payment.made",
      at: now,
      orderKey: null,
      key: "k",
      data: {},
    })),
  );
  const left = async () => {
    const { rows } = await pool.query<{ account_id: string }>("select account_id from event");
    return ids.map((id) => rows.some((row) => row.account_id === id));
  };
  return { left };
}

test("a month is dropped when its every row has expired, and no earlier", async () => {
  const database = await testDatabase();
  const { left } = await kept(database);
  // Expires on 9 February, 10 April and 14 February of the next year.
  await dropExpired(database.pool, at("2025-02-28"));
  expect(await left()).toEqual([true, true, true]);
  expect(await dropExpired(database.pool, at("2025-03-01"))).toEqual(
    expect.arrayContaining(["attempt_2025_02", "delivery_2025_02", "event_2025_02"]),
  );
  expect(await left()).toEqual([false, true, true]);
  await dropExpired(database.pool, at("2025-05-01"));
  expect(await left()).toEqual([false, false, true]);
  await dropExpired(database.pool, at("2026-03-01"));
  expect(await left()).toEqual([false, false, false]);
});

test("keys are kept two months longer than they are in use", async () => {
  const database = await testDatabase();
  await kept(database);
  await dropExpired(database.pool, at("2025-04-03"));
  expect(await partitions(database, "publication")).toContain("publication_2025_01");
  await dropExpired(database.pool, at("2025-04-04"));
  expect(await partitions(database, "publication")).not.toContain("publication_2025_01");
});

test("a month that is being read is left for the next time, and the others are not", async () => {
  const database = await testDatabase();
  const { left } = await kept(database);
  const reader = await database.pool.connect();
  await reader.query("begin");
  await reader.query("select count(*) from event_2025_02");
  const dropped = await dropExpired(database.pool, at("2025-03-01"));
  expect(dropped).toEqual(expect.arrayContaining(["attempt_2025_02", "delivery_2025_02"]));
  expect(dropped).not.toContain("event_2025_02");
  expect(await left()).toEqual([true, true, true]);
  await reader.query("commit");
  reader.release();
  expect(await dropExpired(database.pool, at("2025-03-01"))).toEqual(["event_2025_02"]);
  expect(await left()).toEqual([false, true, true]);
});

test("two nodes that tidy up at once drop everything there is to drop, and neither fails", async () => {
  const database = await testDatabase();
  const { left } = await kept(database);
  const pools = [createPool(database.connection), createPool(database.connection), createPool(database.connection)];
  await Promise.all(pools.map((pool) => dropExpired(pool, at("2026-03-01"))));
  // Where they stood in each other's way, the next time.
  await dropExpired(database.pool, at("2026-03-01"));
  expect(await left()).toEqual([false, false, false]);
  await Promise.all(pools.map((pool) => pool.end()));
});

test("no table of a name that only looks like a month's is touched", async () => {
  const database = await testDatabase();
  await database.pool.query("create table event_1999_01 (id integer)");
  await database.pool.query(
    "create table event_odd partition of event for values from ('1999-02-01') to ('1999-03-01')",
  );
  await dropExpired(database.pool, at("2025-03-01"));
  const { rows } = await database.pool.query(
    "select to_regclass('event_1999_01') is not null as one, to_regclass('event_odd') is not null as two",
  );
  expect(rows).toEqual([{ one: true, two: true }]);
});
