import { assert, asyncProperty, constantFrom, date } from "fast-check";
import { describe, expect, test } from "vitest";
import { emptyDatabase } from "../testing/database.ts";
import { createPool, isUnavailable } from "./pool.ts";

describe("rows", () => {
  test("a bigint is a BigInt, also beyond what a number holds and in arrays", async () => {
    const { pool } = await emptyDatabase();
    const { rows } = await pool.query(
      "select 9223372036854775807::bigint as one, '{1,NULL,-9223372036854775808}'::bigint[] as many, '{}'::bigint[] as none",
    );
    expect(rows[0]).toEqual({ one: 9223372036854775807n, many: [1n, null, -9223372036854775808n], none: [] });
  });

  test("numeric, date and timestamp keep the server's text", async () => {
    const { pool } = await emptyDatabase();
    const { rows } = await pool.query(
      "select 0.10::numeric as n, '2026-02-28'::date as d, '{2026-02-28}'::date[] as ds, '2026-03-29 02:30:00'::timestamp as t",
    );
    expect(rows[0]).toEqual({ n: "0.10", d: "2026-02-28", ds: ["2026-02-28"], t: "2026-03-29 02:30:00" });
  });

  test("an instant written is read back to the millisecond, in whatever zone the session shows it", async () => {
    const { pool } = await emptyDatabase();
    const instant = date({ min: new Date("0001-01-02"), max: new Date("9999-12-31"), noInvalidDate: true });
    const zone = constantFrom("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Africa/Monrovia");
    const client = await pool.connect();
    try {
      await assert(
        asyncProperty(instant, zone, async (written, zone) => {
          await client.query("select set_config('timezone', $1, false)", [zone]);
          const { rows } = await client.query<{ one: number; many: number[] }>(
            "select $1::timestamptz as one, array[$1::timestamptz] as many",
            [written.toISOString()],
          );
          expect(rows[0]).toEqual({ one: written.getTime(), many: [written.getTime()] });
        }),
        { numRuns: 200 },
      );
    } finally {
      client.release(true);
    }
  });

  test.each([
    ["infinity", Number.POSITIVE_INFINITY],
    ["-infinity", Number.NEGATIVE_INFINITY],
    ["1970-01-01 00:00:00.0019+00", 1],
  ])("the timestamp %s is %s", async (text, at) => {
    const { pool } = await emptyDatabase();
    const { rows } = await pool.query("select $1::timestamptz as at", [text]);
    expect(rows[0]).toEqual({ at });
  });
});

describe("a store that cannot be used now", () => {
  test.each([
    ["no server on the socket", { host: "/nonexistent", port: 5432, user: "a", database: "a", ssl: false } as const],
    ["no server on the port", "postgres://a:b@127.0.0.1:9/a"],
  ])("%s is told apart from a fault of ours", async (_what, store) => {
    const pool = createPool(store);
    const failure: unknown = await pool.query("select 1").catch((error: unknown) => error);
    await pool.end();
    expect(isUnavailable(failure)).toBe(true);
    expect(isUnavailable(new Error("booked twice", { cause: failure }))).toBe(true);
  });

  test("a pool that has ended is such a store", async () => {
    const { pool, drop } = await emptyDatabase();
    await drop();
    expect(isUnavailable(await pool.query("select 1").catch((error: unknown) => error))).toBe(true);
  });

  test("a connection that the server ends fails its statement, and the next one gets a new connection", async () => {
    const { pool } = await emptyDatabase();
    const failure: unknown = await pool
      .query("select pg_terminate_backend(pg_backend_pid())")
      .catch((error: unknown) => error);
    expect(isUnavailable(failure)).toBe(true);
    expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });

  test("the loss of a connection that lies idle or in somebody's hands does not end the process", async () => {
    const { pool, connection } = await emptyDatabase();
    const client = await pool.connect();
    const ended = new Promise((resolve) => client.once("end", resolve));
    const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
    const other = createPool(connection);
    await other.query("select pg_terminate_backend($1)", [rows[0]?.pid]);
    await ended;
    client.release();
    await other.end();
    expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });

  test.each(["select 1/0", "select * from nowhere", "select nonsense(", "set transaction_isolation to 'none'"])(
    "%s is a fault of ours",
    async (text) => {
      const { pool } = await emptyDatabase();
      const failure: unknown = await pool.query(text).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(Error);
      expect(isUnavailable(failure)).toBe(false);
    },
  );

  test("a write to a read-only server is such a store", async () => {
    const { pool } = await emptyDatabase();
    const client = await pool.connect();
    await client.query("set default_transaction_read_only = on");
    const failure: unknown = await client.query("create table note ()").catch((error: unknown) => error);
    client.release(true);
    expect(isUnavailable(failure)).toBe(true);
  });
});
