import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { all, api, freePort, seeded, serve, storeFolder, storeProcess, until, untilAsync } from "./testing/server.ts";
import { sign } from "./testing/shop.ts";

/* The real thing under load, killed again and again: whatever was answered `OK` is there, applied once. */

const folder = storeFolder();

const vectors = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../protocols/src/copecart/fixtures/vectors.json"), "utf8"),
) as { body: string }[];

function sale(order: string): string {
  return vectors[0]!.body
    .replaceAll("7kQ2mXvB", order)
    .replaceAll("8a41d0c2e5f7b936", `tx-${order}`)
    .replaceAll("mara.lindner@example.de", `${order.toLowerCase()}@example.com`);
}

test("killed twenty times under load, the store's own server too: everything answered OK is applied, nothing twice", async () => {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const random = seeded(20260204);
  let server = await serve(folder, port);
  const connection = await api<{ url: string }>(base, "POST", "/v1/connections", {
    direction: "in",
    protocol: "copecart",
    name: "Shop",
    secrets: ["a-secret-for-tests"],
    mode: "live",
  });
  const product = await api<{ id: string }>(base, "POST", "/v1/products", {
    name: "Course",
    features: ["course"],
    sources: [{ protocol: "copecart", product_id: "4be81c07" }],
    licence: {},
  });
  await api(base, "POST", `/v1/products/${product.id}/keys`, {
    keys: Array.from({ length: 5000 }, (_, n) => `POOL-${n}-ABCDEFGH`),
  });
  const address = base + new URL(connection.url).pathname;

  const answered = new Set<string>();
  const unanswered: string[] = [];
  let sequence = 0;
  let kills = { process: 0, store: 0 };
  for (let n = 0; n < 24; n++) {
    const enough = answered.size + 10 + Math.floor(random() * 30);
    const round = { over: false };
    const send = async (order: string) => {
      const ok = await post(address, sale(order));
      (ok ? answered : { add: (one: string) => unanswered.push(one) }).add(order);
    };
    const lanes = Array.from({ length: 8 }, async () => {
      // Like the provider: what was not answered comes again, the same bytes.
      while (!round.over) await send(unanswered.shift() ?? `O${String(sequence++).padStart(7, "0")}`);
    });
    await until(() => answered.size >= enough);
    if (n % 6 === 5) {
      process.kill(storeProcess(folder), "SIGKILL");
      kills = { ...kills, store: kills.store + 1 };
      const after = answered.size;
      await until(() => answered.size > after); // it recovers by itself, without a restart of ours
    } else {
      await server.end("SIGKILL");
      kills = { ...kills, process: kills.process + 1 };
    }
    round.over = true;
    await Promise.all(lanes);
    if (!server.isUp()) server = await serve(folder, port);
  }
  for (const order of unanswered.splice(0)) {
    await untilAsync(() => post(address, sale(order)));
    answered.add(order);
  }
  await untilAsync(
    async () =>
      (await api<{ data: unknown[] }>(base, "GET", "/v1/notifications?state=waiting&limit=1")).data.length === 0,
  );

  const orders = await all<{ order_id: string; balance: { minor: number }; state: string; transactions: unknown[] }>(
    base,
    "/v1/orders",
  );
  const booked = new Map(orders.map((order) => [order.order_id, order]));
  expect([...answered].filter((order) => !booked.has(order))).toEqual([]);
  for (const order of orders) expect(order).toMatchObject({ balance: { minor: 11_900 }, state: "active" });
  for (const order of orders) expect(order.transactions).toHaveLength(1);
  const mails = await all<{ to: string; kind: string }>(base, "/v1/mails");
  expect(mails.map((mail) => mail.to).toSorted()).toEqual(
    orders.map((order) => `${order.order_id.toLowerCase()}@example.com`).toSorted(),
  );
  const keys = (await all<{ key: string; order_id: string | null }>(base, "/v1/licences")).filter(
    (key) => key.order_id !== null,
  );
  expect(new Set(keys.map((key) => key.order_id)).size).toBe(orders.length);
  expect(keys).toHaveLength(orders.length);
  expect(await api(base, "POST", "/v1/rebuild", {})).toMatchObject({ differences: [] });
  expect(kills).toEqual({ process: 20, store: 4 });
  console.log(
    `crash: ${kills.process} kills of the process, ${kills.store} of the store; ${answered.size} notifications answered OK, ${orders.length} orders, ${mails.length} mails, ${keys.length} keys; nothing lost, nothing twice`,
  );
}, 300_000);

async function post(address: string, body: string): Promise<boolean> {
  try {
    const response = await fetch(address, {
      method: "POST",
      body,
      headers: { "content-type": "application/json", "x-copecart-signature": sign(body) },
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    if (response.status !== 200 && response.status !== 503)
      throw new Error(`answered ${response.status}`, { cause: "status" });
    return response.status === 200 && text === "OK";
  } catch (error) {
    if (error instanceof Error && error.cause === "status") throw error;
    return false; // killed in between
  }
}
