import { afterEach, beforeAll, expect, test } from "vitest";
import type { Pool } from "pg";
import { createPool } from "../db/pool.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { until } from "../testing/sending.ts";
import { type Bell, createBell } from "./bell.ts";

let database: TestDatabase;
const opened: { bell: Bell; pool: Pool }[] = [];

beforeAll(async () => {
  database = await testDatabase();
});

afterEach(async () => {
  for (const { bell, pool } of opened.splice(0)) {
    await bell.stop();
    await pool.end();
  }
});

/** What one node hears. */
async function node() {
  const pool = createPool(database.connection);
  const bell = createBell(pool);
  opened.push({ bell, pool });
  const heard: [string | null, string][] = [];
  await bell.hear((holder, laneId) => heard.push([holder, laneId]));
  return { bell, heard, pool };
}

test("one node hears the other, with who holds the lane", async () => {
  const [one, two] = [await node(), await node()];
  one.bell.ring("node-2", "lane-1");
  one.bell.ring(null, "lane-2");
  await until(() => two.heard.length === 2);
  expect(new Map(two.heard.map(([holder, laneId]) => [laneId, holder]))).toEqual(
    new Map([
      ["lane-1", "node-2"],
      ["lane-2", null],
    ]),
  );
});

test("rung many times in one moment for one lane, it is heard once", async () => {
  const [one, two] = [await node(), await node()];
  for (let n = 0; n < 500; n++) one.bell.ring("node-2", "lane-1");
  for (let n = 0; n < 300; n++) one.bell.ring(null, `many-${n}`);
  await until(() => two.heard.length >= 301);
  expect(two.heard.filter(([, laneId]) => laneId === "lane-1")).toHaveLength(1);
});

test("its connection lost, it hears again by itself", async () => {
  const [one, two] = [await node(), await node()];
  await database.pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'listen %'",
  );
  await until(() => {
    one.bell.ring(null, "lane-1");
    return two.heard.length > 0;
  });
});

test("after stop nothing is heard, and the connection is gone", async () => {
  const [one, two] = [await node(), await node()];
  await two.bell.stop();
  one.bell.ring(null, "lane-1");
  await until(() => one.heard.length === 1);
  expect(two.heard).toEqual([]);
  const { rows } = await database.pool.query(
    "select 1 from pg_stat_activity where datname = current_database() and query like 'listen %'",
  );
  expect(rows).toHaveLength(1);
});

test("stopped while it waits to connect again, it stays silent", async () => {
  const one = await node();
  await database.pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'listen %'",
  );
  await one.bell.stop();
  const other = await node();
  other.bell.ring(null, "lane-1");
  await until(() => other.heard.length === 1);
  expect(one.heard).toEqual([]);
});
