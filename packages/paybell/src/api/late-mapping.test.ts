import { expect, test } from "vitest";
import { createPool } from "../db/pool.ts";
import { emptyDatabase } from "../testing/database.ts";
import { openShop } from "../testing/shop.ts";

test("an order that is being booked while its product is mapped ends up mapped", async () => {
  const { connection } = await emptyDatabase();
  const database =
    typeof connection === "string"
      ? connection
      : `postgres://${connection.user}@localhost/${connection.database}?host=${encodeURIComponent(connection.host)}`;
  const shop = await openShop("2026-03-01T10:00:00", { database });
  await shop.paybell.start();
  const pool = createPool(connection);
  const held = await pool.connect();
  const waitsFor = (what: string) =>
    expect
      .poll(
        async () =>
          (await pool.query("select from pg_stat_activity where wait_event_type = 'Lock' and query like $1", [what]))
            .rowCount,
        { timeout: 10_000 },
      )
      .toBe(1);
  try {
    // The booking has made its item, unmapped, and stops before its facts.
    await held.query("begin");
    await held.query("lock table fact in share mode");
    await shop.post(shop.bytes({ order_id: "LATE", product_id: "course" }));
    await waitsFor("%insert into fact%");
    const mapped = shop.product({ product_id: "course", features: ["course"] });
    await Promise.race([mapped, waitsFor("%pg_advisory_xact_lock(%")]);
    await held.query("commit");
    await mapped;
    await shop.paybell.settle();
    expect(await shop.order("LATE")).toMatchObject({ items: [{ mapped: true, waiting: null }] });
    expect(await shop.allowed("kim@example.com", "course")).toBe(true);
  } finally {
    held.release(true);
    await pool.end();
  }
});
