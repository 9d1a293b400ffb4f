import { expect, test } from "vitest";
import { emptyDatabase } from "../testing/database.ts";
import { startReceiver } from "../testing/receiver.ts";
import { iso, openShop, type Shop } from "../testing/shop.ts";

const hour = 3_600_000;
const day = 24 * hour;

/** A sale every so often; time passes meanwhile. */
async function sell(shop: Shop, everyMs: number, forMs: number, message: Record<string, unknown> = {}): Promise<void> {
  const end = shop.now() + forMs;
  for (let at = shop.now() + everyMs; at <= end; at += everyMs) {
    shop.set(iso(at));
    const sale = { order_id: `S${at / 1000}`, transaction_id: `t${at}`, ...message };
    expect(await shop.post(shop.bytes(sale))).toEqual({ status: 200, body: "OK" });
  }
  await shop.paybell.settle();
}

/** Lets time go by, looking every hour. */
async function pass(shop: Shop, ms: number): Promise<void> {
  const end = shop.now() + ms;
  while (shop.now() < end) await shop.at(Math.min(end, shop.now() + hour));
}

type Told = {
  id: string;
  key: string;
  data: Record<string, unknown>;
  times: number;
  raised_at: string;
  closed_at: string | null;
};

async function silences(shop: Shop): Promise<Told[]> {
  const { data } = await shop.ok<{ data: Told[] }>("GET", "/v1/alarms?kind=connection_silent&limit=200");
  return data;
}

/** A shop with four weeks of a sale every six hours behind it. */
async function busyShop(options: Parameters<typeof openShop>[1] = {}): Promise<Shop> {
  const shop = await openShop("2026-01-05T00:00:00Z", options);
  await shop.product({ product_id: "4be81c07" });
  await sell(shop, 6 * hour, 28 * day);
  return shop;
}

test("a connection that falls silent is told of once, by name and with what to do, and closes with the next arrival", async () => {
  const shop = await busyShop();
  await shop.ok("PATCH", "/v1/account", { settings: { operator_email: "owner@example.com", language: "de" } });
  const since = shop.now();
  await pass(shop, 6 * hour);
  expect(await silences(shop)).toEqual([]);
  await pass(shop, 5 * day);
  const [alarm, ...others] = await silences(shop);
  expect(others).toEqual([]);
  expect(alarm).toMatchObject({ key: shop.connection.id, times: 1, closed_at: null });
  expect(alarm!.data).toEqual({
    connection_id: shop.connection.id,
    connection: "Shop",
    silent_since: iso(since),
    what_to_do: expect.stringContaining("Look at the provider"),
  });
  expect(Date.parse(alarm!.raised_at) - since).toBeLessThan(2 * day);
  const mails = await shop.mails({ to: "owner@example.com" });
  expect(mails.map(({ subject }) => subject)).toEqual(["Paybell: Eine Verbindung ist ungewöhnlich still"]);
  expect(mails[0]!.text).toContain("Sehen Sie beim Anbieter nach");
  expect(mails[0]!.text).not.toContain("Look at the provider");

  await sell(shop, hour, hour);
  expect(await silences(shop)).toMatchObject([{ id: alarm!.id, closed_at: iso(shop.now()) }]);

  await pass(shop, 6 * day);
  expect(await silences(shop)).toMatchObject([{ id: alarm!.id, times: 2, closed_at: null }]);
  expect(await shop.mails({ to: "owner@example.com" })).toHaveLength(2);
});

test("an alarm that was closed by hand is not raised again for the same silence", async () => {
  const shop = await busyShop();
  await pass(shop, 3 * day);
  const [alarm] = await silences(shop);
  await shop.ok("POST", `/v1/alarms/${alarm!.id}/close`);
  await pass(shop, 3 * day);
  expect(await silences(shop)).toMatchObject([{ times: 1, closed_at: expect.any(String) }]);
});

test("a new connection, and one with a handful of sales, may be silent for as long as they like", async () => {
  const shop = await openShop("2026-01-05T00:00:00Z");
  await pass(shop, 2 * day);
  await sell(shop, 3 * day, 18 * day);
  await shop.at(shop.now() + 300 * day);
  expect(await silences(shop)).toEqual([]);
});

test("one sale a week is a rhythm: silent after months, not after two weeks", async () => {
  const shop = await openShop("2026-01-05T00:00:00Z");
  await shop.product({ product_id: "4be81c07" });
  await sell(shop, 7 * day, 20 * 7 * day);
  for (let days = 0; days < 14; days++) await shop.at(shop.now() + day);
  expect(await silences(shop)).toEqual([]);
  for (let days = 0; days < 60; days++) await shop.at(shop.now() + day);
  expect(await silences(shop)).toHaveLength(1);
});

test("a connection that is switched off is not silent, and one switched on again is heard from then on", async () => {
  const shop = await busyShop();
  const path = `/v1/connections/${shop.connection.id}`;
  await shop.ok("PATCH", path, { disabled: true });
  await pass(shop, 4 * day);
  expect(await silences(shop)).toEqual([]);
  await shop.ok("PATCH", path, { disabled: false });
  const since = shop.now();
  await pass(shop, 6 * hour);
  expect(await silences(shop)).toEqual([]);
  await pass(shop, 3 * day);
  expect(await silences(shop)).toMatchObject([{ closed_at: null, data: { silent_since: iso(since) } }]);
  await shop.ok("PATCH", path, { disabled: true });
  await pass(shop, 2 * hour);
  expect(await silences(shop)).toMatchObject([{ closed_at: expect.any(String) }]);
});

test("test sales have no rhythm and end no silence; a test connection is never silent", async () => {
  const shop = await openShop("2026-01-05T00:00:00Z");
  await shop.product({ product_id: "4be81c07" });
  await sell(shop, 6 * hour, 28 * day, { test_payment: true });
  await pass(shop, 10 * day);
  expect(await silences(shop)).toEqual([]);

  const busy = await busyShop();
  await pass(busy, 3 * day);
  await sell(busy, hour, hour, { test_payment: true });
  await pass(busy, 2 * hour);
  expect(await silences(busy)).toMatchObject([{ closed_at: null }]);

  busy.connection = await busy.ok("POST", "/v1/connections", {
    direction: "in",
    protocol: "copecart",
    name: "Trying out",
    secrets: ["a-secret-for-tests"],
    mode: "test",
  });
  await sell(busy, 6 * hour, 28 * day);
  await pass(busy, 10 * day);
  expect((await silences(busy)).map(({ data }) => data.connection)).toEqual(["Shop"]);
  const test = await busy.ok<{ data: Told[] }>("GET", "/v1/alarms?mode=test&kind=connection_silent");
  expect(test.data).toEqual([]);
});

test("each connection has a rhythm of its own: one goes on, the other is silent", async () => {
  const shop = await busyShop();
  const quiet = shop.connection;
  shop.connection = await shop.ok("POST", "/v1/connections", {
    direction: "in",
    protocol: "copecart",
    name: "Second shop",
    secrets: ["a-secret-for-tests"],
    mode: "live",
  });
  await sell(shop, 6 * hour, 20 * day);
  await pass(shop, hour);
  expect(await silences(shop)).toMatchObject([{ key: quiet.id, data: { connection: "Shop" } }]);
});

test("nodes that look at the same moment tell it once, to addresses too", async () => {
  const { connection } = await emptyDatabase();
  const database =
    typeof connection === "string"
      ? connection
      : `postgres://${connection.user}@localhost/${connection.database}?host=${encodeURIComponent(connection.host)}`;
  const one = await busyShop({ database, allowNets: "127.0.0.0/8" });
  const two = await openShop("2026-01-05T00:00:00Z", { database, newConnection: false, allowNets: "127.0.0.0/8" });
  const receiver = await startReceiver();
  await one.ok("POST", "/v1/connections", {
    direction: "out",
    protocol: "standard-webhooks",
    name: "Pager",
    url: receiver.url,
    events: ["alarm.*"],
    mode: "live",
  });
  const later = one.now() + 4 * day;
  await Promise.all([one.at(later), two.at(later)]);
  expect(await silences(two)).toMatchObject([{ key: one.connection.id, times: 1 }]);
  await receiver.arrived(1);
  expect(receiver.messages()).toMatchObject([{ type: "alarm.raised", data: { kind: "connection_silent" } }]);
});

test("of many connections all are looked at", async () => {
  const shop = await openShop("2026-01-05T00:00:00Z", { newConnection: false });
  await shop.product({ product_id: "4be81c07" });
  for (let n = 0; n < 45; n++) {
    shop.connection = await shop.ok("POST", "/v1/connections", {
      direction: "in",
      protocol: "copecart",
      name: `Shop ${n}`,
      secrets: ["a-secret-for-tests"],
      mode: "live",
    });
    for (let week = 0; week < 9; week++) {
      const sale = { order_id: `S${n}`, transaction_id: `t${n}-${week}`, product_id: "4be81c07" };
      shop.set(`2026-0${1 + Math.floor(week / 4)}-${String(1 + (week % 4) * 7).padStart(2, "0")}T10:00:00Z`);
      await shop.post(shop.bytes(sale));
    }
  }
  await shop.at("2026-12-01T10:00:00Z");
  const names = (await silences(shop)).map(({ data }) => data.connection);
  expect(new Set(names).size).toBe(45);
});
