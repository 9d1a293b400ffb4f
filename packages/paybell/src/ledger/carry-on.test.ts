import { once } from "node:events";
import { PassThrough } from "node:stream";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createPool } from "../db/pool.ts";
import { emptyDatabase } from "../testing/database.ts";
import { openShop, type Order } from "../testing/shop.ts";

test("a store that refuses every write for a while holds up neither those who ask nor what comes later", async () => {
  const { connection } = await emptyDatabase();
  const database =
    typeof connection === "string"
      ? connection
      : `postgres://${connection.user}@localhost/${connection.database}?host=${encodeURIComponent(connection.host)}`;
  const lines = new PassThrough();
  const shop = await openShop("2026-03-01T10:00:00", { database, log: pino({ level: "error" }, lines) });
  await shop.paybell.start();
  const pool = createPool(connection);
  try {
    await pool.query(`
      create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
      create trigger refuse before update on notification for each row execute function refuse()`);
    expect(await shop.post(shop.bytes({ order_id: "FIRST" }))).toEqual({ status: 200, body: "OK" });
    await once(lines, "data"); // it could not be applied
    await shop.ok("GET", "/v1/orders");
    await pool.query("drop trigger refuse on notification");
    expect(await shop.post(shop.bytes({ order_id: "SECOND" }))).toEqual({ status: 200, body: "OK" });
    await shop.paybell.settle();
    const { data } = await shop.ok<{ data: Order[] }>("GET", "/v1/orders");
    expect(data.map((order) => order.order_id).toSorted()).toEqual(["FIRST", "SECOND"]);
  } finally {
    await pool.end();
  }
});

test("what the store says of a row that it refuses does not get into the log", async () => {
  const { connection } = await emptyDatabase();
  const database =
    typeof connection === "string"
      ? connection
      : `postgres://${connection.user}@localhost/${connection.database}?host=${encodeURIComponent(connection.host)}`;
  const lines = new PassThrough();
  const shop = await openShop("2026-03-01T10:00:00", { database, log: pino({ level: "trace" }, lines) });
  const pool = createPool(connection);
  await pool.query("alter table orders add constraint none check (email = '')");
  await pool.end();
  await shop.notify({ order_id: "FIRST", buyer_email: "kim@example.com" });
  const said = String(lines.read());
  expect(said).toContain("23514");
  expect(said).not.toContain("kim@example.com");
});
