import fc from "fast-check";
import { expect, test } from "vitest";
import { emptyDatabase } from "./testing/database.ts";
import { type Message, openShop } from "./testing/shop.ts";

/* Any number of nodes on one PostgreSQL: all are equal, and the unique keys decide every race. */

async function twoNodes(start: string) {
  const { connection } = await emptyDatabase();
  const database =
    typeof connection === "string"
      ? connection
      : `postgres://${connection.user}@localhost/${connection.database}?host=${encodeURIComponent(connection.host)}`;
  const [one, two] = [await openShop(start, { database }), await openShop(start, { database, newConnection: false })];
  return { one, two };
}

const buyers = Array.from({ length: 12 }, (_, n) => `buyer${n}@example.com`);

function history(n: number): Message[] {
  const order = { order_id: `ORDER${String(n).padStart(3, "0")}`, buyer_email: buyers[n]!, product_id: "club" };
  const month = (rate: number) => ({
    ...order,
    payment_plan: "abonnement",
    frequency: "monthly",
    rate_number: rate,
    transaction_id: `pay-${n}-${rate}`,
    transaction_amount: "29.0",
    transaction_date: `2026-0${rate}-15T10:00:00+01:00`,
    next_payment_at: `2026-0${rate + 1}-15`,
  });
  return [
    month(1),
    month(2),
    month(3),
    { ...month(2), event_type: "payment.failed", payment_status: "failed", transaction_id: `fail-${n}` },
    { ...order, transaction_id: `course-${n}`, product_id: "course", transaction_date: "2026-01-15T10:05:00+01:00" },
  ];
}

test("two nodes receive the same shuffled history at once and end as one would", async () => {
  const { one, two } = await twoNodes("2026-03-20T10:00:00");
  const course = await one.product({ product_id: "course", name: "Course", features: ["course"], licence: {} });
  await one.product({ product_id: "club", name: "Club", features: ["club"], licence: { pattern: "XXXX-XXXX-XXXX" } });
  await one.ok("POST", `/v1/products/${course.id}/keys`, {
    keys: Array.from({ length: 20 }, (_, n) => `POOL-${n}-ABCD-EFGH`),
  });
  const bytes = buyers.flatMap((_, n) => history(n)).map((message) => one.bytes(message));
  const shuffled = (seed: number) =>
    fc.sample(fc.shuffledSubarray(bytes, { minLength: bytes.length, maxLength: bytes.length }), {
      numRuns: 1,
      seed,
    })[0]!;
  const deliver = async (shop: typeof one, order: readonly string[]) => {
    for (let at = 0; at < order.length; at += 10) {
      const answers = await Promise.all(
        order.slice(at, at + 10).map((body) => shop.post(body, undefined, one.connection.url)),
      );
      for (const answer of answers) expect(answer).toEqual({ status: 200, body: "OK" });
    }
  };
  await Promise.all([deliver(one, shuffled(1)), deliver(two, shuffled(2))]);
  await Promise.all([one.paybell.settle(), two.paybell.settle()]);

  for (const [n, email] of buyers.entries()) {
    const order = await two.order(`ORDER${String(n).padStart(3, "0")}`);
    expect(order.balance.minor).toBe(3 * 2900 + 9700);
    expect(order.items.find((item) => item.product_id === "club")).toMatchObject({
      paid_through: "2026-04-15",
      state: "active",
    });
    expect(await one.allowed(email, "course")).toBe(true);
    const kinds = await one.mailKinds({ to: email });
    expect(kinds.filter((kind) => kind === "access_data")).toHaveLength(2);
  }
  const { data: keys } = await one.ok<{ data: { key: string; order_id: string | null; state: string }[] }>(
    "GET",
    "/v1/licences?limit=200",
  );
  const given = keys.filter((key) => key.order_id !== null);
  expect(given).toHaveLength(24);
  expect(new Set(given.map((key) => key.key)).size).toBe(24);
  expect(keys.filter((key) => key.state === "free")).toHaveLength(8);
  for (const notification of await one.notifications())
    expect(notification).toMatchObject({ state: "applied", arrivals: 2 });
  expect((await two.paybell.rebuild()).differences).toEqual([]);
}, 120_000);

test("what one node recorded and never acted on, another one finds", async () => {
  const { one, two } = await twoNodes("2026-02-04T09:00:00");
  await one.product({ product_id: "4be81c07", features: ["course"] });
  const answer = await one.post(one.bytes({}));
  expect(answer.body).toBe("OK");
  await two.paybell.settle();
  expect(await two.allowed("kim@example.com", "course")).toBe(true);
  await one.paybell.settle();
  expect(await one.mailKinds()).toEqual(["access_data"]);
});

test("a key revoked on one running node is of no use on another, which had remembered it", async () => {
  const { one, two } = await twoNodes("2026-03-01T10:00:00");
  await Promise.all([one.paybell.start(), two.paybell.start()]);
  const made = await one.ok<{ id: string; key: string }>("POST", "/v1/keys", { name: "App", scope: "read" });
  for (let time = 0; time < 20; time++)
    expect((await two.api("GET", "/v1/orders", undefined, made.key)).status).toBe(200);
  await one.ok("DELETE", `/v1/keys/${made.id}`);
  expect((await one.api("GET", "/v1/orders", undefined, made.key)).status).toBe(401);
  await expect.poll(async () => (await two.api("GET", "/v1/orders", undefined, made.key)).status).toBe(401);
});
