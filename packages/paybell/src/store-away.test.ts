import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, expect, test } from "vitest";
import { emptyDatabase } from "./testing/database.ts";
import { openShop } from "./testing/shop.ts";

/* The store goes away and comes back. A way to it that can be cut stands in between. */

const folder = mkdtempSync(join(tmpdir(), "paybell-way-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function cuttable() {
  const { connection } = await emptyDatabase();
  const target =
    typeof connection === "string"
      ? { port: Number(new URL(connection).port), host: new URL(connection).hostname }
      : { path: join(connection.host, `.s.PGSQL.${connection.port}`) };
  const user = typeof connection === "string" ? new URL(connection).username : connection.user;
  const name = typeof connection === "string" ? new URL(connection).pathname.slice(1) : connection.database;
  const sockets = new Set<Socket>();
  const open = () =>
    new Promise<() => Promise<void>>((resolve) => {
      const server = createServer((near) => {
        const far = connect(target);
        for (const one of [near, far]) {
          sockets.add(one);
          one.on("error", () => undefined).on("close", () => sockets.delete(one));
        }
        near.pipe(far).pipe(near);
      });
      server.listen(join(folder, ".s.PGSQL.5432"), () =>
        resolve(async () => {
          const closed = new Promise((done) => server.close(done));
          for (const one of sockets) one.destroy();
          await closed;
        }),
      );
    });
  return { open, database: `postgres://${user}@localhost:5432/${name}?host=${encodeURIComponent(folder)}` };
}

test("store unreachable: 503, nothing claimed, nothing lost; back again: as if nothing had been", async () => {
  const way = await cuttable();
  const cut = await way.open();
  const shop = await openShop("2026-03-01T10:00:00", { database: way.database, log: pino({ level: "silent" }) });
  await shop.product({ product_id: "4be81c07", features: ["course"] });
  await shop.notify({ order_id: "BEFORE01" });
  const unapplied = shop.bytes({ order_id: "STORED01", buyer_email: "stored@example.com" });
  expect((await shop.post(unapplied)).status).toBe(200);

  await cut();
  const late = shop.bytes({ order_id: "LATE0001", buyer_email: "late@example.com" });
  expect(await shop.post(late)).toMatchObject({ status: 503 });
  expect((await shop.post(late, "bm90IGEgc2lnbmF0dXJlIG9mIDMyIGJ5dGVzIGF0IGE=")).status).not.toBe(200);
  expect((await shop.api("GET", "/readyz")).status).toBe(503);
  expect((await shop.api("GET", "/v1/access?email=kim@example.com")).status).toBe(503);
  expect((await shop.api("GET", "/healthz")).status).toBe(200);

  const cutAgain = await way.open();
  expect(await shop.post(late)).toEqual({ status: 200, body: "OK" });
  await shop.paybell.settle();
  for (const email of ["kim@example.com", "stored@example.com", "late@example.com"]) {
    expect(await shop.allowed(email, "course")).toBe(true);
  }
  expect(await shop.mailKinds()).toEqual(["access_data", "access_data", "access_data"]);
  expect((await shop.notifications()).map((one) => one.arrivals)).toEqual([1, 1, 1]);
  await shop.paybell.stop();
  await cutAgain();
});
