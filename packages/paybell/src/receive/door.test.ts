import { PassThrough } from "node:stream";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createPool } from "../db/pool.ts";
import { emptyDatabase } from "../testing/database.ts";
import { openShop } from "../testing/shop.ts";

test("what cannot be stored is answered 503 each time, and complained of once a second", async () => {
  const { connection } = await emptyDatabase();
  const database =
    typeof connection === "string"
      ? connection
      : `postgres://${connection.user}@localhost/${connection.database}?host=${encodeURIComponent(connection.host)}`;
  const lines = new PassThrough();
  const shop = await openShop("2026-03-01T10:00:00", { database, log: pino({ level: "error" }, lines) });
  const pool = createPool(connection);
  await pool.query(`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'full' using errcode = '53100'; end $$;
    create trigger refuse before insert on arrival for each row execute function refuse()`);
  await pool.end();
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, n) => shop.post(shop.bytes({ order_id: `ORDER${n}` }))),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
  const said = String(lines.read()).trim().split("\n");
  expect(said[0]).toContain("53100");
  expect(said.length).toBeLessThan(answers.length);
});
