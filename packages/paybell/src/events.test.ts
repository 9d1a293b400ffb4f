import { copecartFormat } from "@paybell/protocols/copecart/format";
import { parse } from "@paybell/protocols/copecart/parse";
import { digistore24Format } from "@paybell/protocols/digistore24/format";
import { paymentEvents } from "@paybell/protocols/domain/payment";
import type { Outgoing } from "@paybell/protocols/format";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { emptyDatabase } from "./testing/database.ts";
import { type Message, openShop, type Shop } from "./testing/shop.ts";

/* What becomes true in the ledger is announced once, however often, in whatever order and wherever its news arrives. */

type Event = { id: string; type: string; mode: string; at: string; data: Record<string, unknown> };

/** Oldest first. */
async function events(shop: Shop, type = /./, mode = "live"): Promise<Event[]> {
  const found: Event[] = [];
  for (let after = "start"; ; ) {
    const path = `/v1/events?mode=${mode}&limit=200&after=${after}`;
    const { data, last_id } = await shop.ok<{ data: Event[]; last_id: string | null }>("GET", path);
    if (data.length === 0) return found.filter((event) => type.test(event.type));
    found.push(...data);
    after = last_id!;
  }
}

const types = async (shop: Shop, type?: RegExp, mode?: string) =>
  (await events(shop, type, mode)).map((event) => event.type);

const month = (rate: number, more: Message = {}): Message => ({
  payment_plan: "abonnement",
  frequency: "monthly",
  rate_number: rate,
  transaction_id: `month-${rate}`,
  transaction_amount: "29.0",
  next_payment_at: `2026-0${rate + 1}-15`,
  ...more,
});

const third = (rate: number, more: Message = {}): Message => ({
  payment_plan: "breakdown_payment",
  frequency: "monthly",
  total_number_of_payments: 3,
  first_payment: "199.0",
  next_payments: "199.0",
  rate_number: rate,
  transaction_id: `third-${rate}`,
  transaction_amount: "199.0",
  ...more,
});

const refund: Message = { event_type: "payment.refunded", payment_status: "successed_refunded" };
const cancelled = (day: string, more: Message = {}): Message => ({
  event_type: "payment.recurring.cancelled",
  payment_plan: "abonnement",
  is_cancelled_for: day,
  ...more,
});

describe("a sale", () => {
  test("is announced with all that it brings about, in the order in which it makes sense", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    const product = await shop.product({ product_id: "4be81c07", features: ["course"] });
    await shop.notify({ transaction_id: "t1", metadata: "campaign 7", order_date: "2026-02-28" });
    const all = await events(shop);
    expect(all.map(({ type }) => type)).toEqual([
      "customer.created",
      "order.created",
      "payment.made",
      "access.granted",
    ]);
    const { customer_id, item_id, ...data } = all[2]!.data;
    expect(data).toEqual({
      order_id: "A1B2C3D4",
      ordered_at: "2026-02-28",
      transaction_id: "t1",
      parent_transaction_id: null,
      product: { id: "4be81c07", name: "Video course", product_id: product.id },
      quantity: 1,
      buyer: {
        email: "kim@example.com",
        id: customer_id,
        first_name: "Kim",
        last_name: "Example",
        company: null,
        country: "DE",
        language: null,
      },
      reference: "campaign 7",
      amount: { minor: 9700, currency: "EUR" },
      plan: { kind: "once" },
      rate: 1,
      next_payment_at: null,
      ends_at: null,
      happened_at: "2026-03-01T09:00:00.000Z",
      provider: "copecart",
      provider_event: "payment.made",
      test: false,
    });
    const order = await shop.ok<{ data: { customer_id: string; items: { id: string }[] }[] }>(
      "GET",
      "/v1/orders?order_id=A1B2C3D4",
    );
    expect([customer_id, item_id]).toEqual([order.data[0]!.customer_id, order.data[0]!.items[0]!.id]);
    expect(all.filter((event) => event.data["customer_id"] !== customer_id)).toEqual([]);
  });

  test("of a test order is announced as a test and nowhere else", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    await shop.product({ product_id: "4be81c07", features: ["course"] });
    await shop.notify({ payment_status: "test_paid", test_payment: true });
    expect(await events(shop)).toEqual([]);
    const made = await events(shop, /^payment/, "test");
    expect(made.map(({ data }) => data["test"])).toEqual([true]);
  });

  test("not mapped yet is announced as it is, and mapping it later announces what that opens and nothing twice", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    await shop.notify({});
    const before = ["customer.created", "order.created", "payment.made", "alarm.raised"];
    expect(await types(shop)).toEqual(before);
    await shop.product({ product_id: "4be81c07", features: ["course"], licence: { pattern: "XXXX-XXXX-XXXX" } });
    await shop.paybell.settle();
    expect(await types(shop)).toEqual([...before, "licence.issued", "access.granted"]);
  });

  test("is announced once however often it comes, is processed again, or everything is computed again", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    await shop.product({ product_id: "4be81c07", features: ["course"] });
    await shop.notify({ transaction_id: "t1" });
    const before = await events(shop);
    await shop.notify({ transaction_id: "t1" });
    await shop.notify({ transaction_id: "t1", earned_amount: "90.0" });
    await shop.paybell.replay((await shop.notifications()).map(({ id }) => id));
    expect((await shop.paybell.rebuild()).differences).toEqual([]);
    await shop.paybell.settle();
    expect(await events(shop)).toEqual(before);
  });

  test("an amount beyond the exact numbers of JSON is left out rather than rounded", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    await shop.notify({ transaction_amount: "99999999999999.99", line_item_amount: "99999999999999.99" });
    await shop.notify({ transaction_id: "most", order_id: "MOST", transaction_amount: "90071992547409.91" });
    const made = await events(shop, /^payment/);
    expect(made.map(({ data }) => data["amount"])).toEqual([null, { minor: Number.MAX_SAFE_INTEGER, currency: "EUR" }]);
  });
});

const story: Message[] = [
  { order_id: "ONCE", product_id: "course", transaction_id: "once" },
  { order_id: "ONCE", product_id: "course", transaction_id: "back", transaction_amount: "40.0", ...refund },
  month(1, { order_id: "SUB", product_id: "club" }),
  month(2, { order_id: "SUB", product_id: "club", event_type: "payment.failed", payment_status: "failed" }),
  month(2, { order_id: "SUB", product_id: "club", transaction_id: "month-2-again" }),
  cancelled("2026-03-15", { order_id: "SUB", product_id: "club" }),
  third(1, { order_id: "RATE", product_id: "master" }),
  third(2, { order_id: "RATE", product_id: "master" }),
  third(3, { order_id: "RATE", product_id: "master" }),
  {
    order_id: "DISP",
    product_id: "course",
    transaction_id: "paid",
    buyer_email: "sam@example.com",
    transaction_date: "2026-01-07T10:00:00+01:00",
  },
  {
    order_id: "DISP",
    product_id: "course",
    transaction_id: "dispute",
    buyer_email: "sam@example.com",
    event_type: "payment.charged_back",
    payment_status: "chargeback_succeeded",
    transaction_date: "2026-02-07T10:00:00+01:00",
  },
  {
    order_id: "DISP",
    product_id: "course",
    transaction_id: "dispute",
    buyer_email: "sam@example.com",
    event_type: "payment.charged_back",
    payment_status: "chargeback_failed",
    transaction_date: "2026-03-07T10:00:00+01:00",
  },
  {
    ...month(1, { order_id: "TRIAL", product_id: "club", buyer_email: "lee@example.com" }),
    event_type: "payment.trial",
    payment_status: "trial",
    transaction_amount: "0.0",
    next_payment_at: "2026-04-01",
  },
  {
    ...month(1, { order_id: "TEST", product_id: "club" }),
    payment_method: "test",
    payment_status: "test_paid",
    test_payment: true,
  },
  cancelled("2026-04-01", { order_id: "TEST", product_id: "club" }),
];

const expectedTypes = [
  "licence.issued", // test
  "licence.issued",
  "licence.issued",
  "licence.issued",
  "licence.issued",
  "licence.issued",
  "order.cancelled", // test
  "order.cancelled",
  "order.completed",
  "order.created", // test
  "order.created",
  "order.created",
  "order.created",
  "order.created",
  "order.created",
  "order.trial_started",
  "payment.dispute_won",
  "payment.disputed",
  "payment.failed",
  "payment.made", // test
  "payment.made",
  "payment.made",
  "payment.made",
  "payment.made",
  "payment.made",
  "payment.made",
  "payment.made",
  "payment.refunded",
];

async function openStore(): Promise<Shop> {
  const shop = await openShop("2026-03-20T10:00:00");
  for (const name of ["course", "club", "master"])
    await shop.product({ product_id: name, name, features: [name], licence: { pattern: "XXXX-XXXX-XXXX" } });
  return shop;
}

/** What was announced, without what differs from store to store: ids, and when it arrived. */
async function told(shop: Shop, type: RegExp): Promise<string[]> {
  const all = [...(await events(shop, type)), ...(await events(shop, type, "test"))];
  const plain = (name: string, value: unknown) => (ids.has(name) && typeof value === "string" ? name : value);
  return all
    .map(({ type: name, mode, data }) => {
      // A cancellation carries no time of its own: it happened when it arrived.
      const { happened_at, ...rest } = data;
      return JSON.stringify([name, mode, rest, name === "order.cancelled" ? null : happened_at], plain);
    })
    .toSorted();
}

const ids = new Set(["customer_id", "item_id", "licence_id", "product_id"]);

async function toldAfter(bytes: readonly string[], type: RegExp, rests: ReadonlySet<number>): Promise<string[]> {
  const shop = await openStore();
  for (const [index, one] of bytes.entries()) {
    expect(await shop.post(one)).toEqual({ status: 200, body: "OK" });
    if (rests.has(index)) await shop.paybell.settle();
  }
  await shop.paybell.settle();
  const result = (await told(shop, type)).map((line) => line.replaceAll(/"id":"[0-9a-f-]{36}"/g, '"id":"id"'));
  await shop.paybell.stop();
  return result;
}

describe("any permutation and repetition of a history", () => {
  test("that arrives at once announces the same payments, orders and licences", async () => {
    const shop = await openStore();
    const bytes = story.map((message) => shop.bytes(message));
    const type = /^(payment|order|licence)\./;
    const expected = await toldAfter(bytes, type, new Set());
    expect(expected.map((line) => (JSON.parse(line) as [string])[0])).toEqual(expectedTypes);
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(bytes, { minLength: bytes.length, maxLength: bytes.length }),
        fc.array(fc.nat(bytes.length - 1), { maxLength: 8 }),
        async (order, repeats) => {
          const sent = [...order, ...repeats.map((at) => bytes[at]!)];
          expect(await toldAfter(sent, type, new Set())).toEqual(expected);
        },
      ),
      { numRuns: 6, seed: 44 },
    );
  }, 120_000);

  test("with pauses in between announces the same payments and orders, each once", async () => {
    const shop = await openStore();
    const bytes = story.map((message) => shop.bytes(message));
    const type = /^(payment|order)\./;
    const expected = await toldAfter(bytes, type, new Set());
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(bytes, { minLength: bytes.length, maxLength: bytes.length }),
        fc.array(fc.nat(bytes.length - 1), { maxLength: 6 }),
        fc.uniqueArray(fc.nat(bytes.length + 5), { maxLength: 8 }),
        async (order, repeats, rests) => {
          const sent = [...order, ...repeats.map((at) => bytes[at]!)];
          expect(await toldAfter(sent, type, new Set(rests))).toEqual(expected);
        },
      ),
      { numRuns: 8, seed: 45 },
    );
  }, 120_000);

  test("told to two nodes at once is announced once", async () => {
    const { connection } = await emptyDatabase();
    const database =
      typeof connection === "string"
        ? connection
        : `postgres://${connection.user}@localhost/${connection.database}?host=${encodeURIComponent(connection.host)}`;
    const one = await openShop("2026-03-20T10:00:00", { database });
    const two = await openShop("2026-03-20T10:00:00", { database, newConnection: false });
    for (const name of ["course", "club", "master"]) await one.product({ product_id: name, features: [name] });
    // The test order's cancellation apart: that a live order is taken over by its test is another matter.
    const bytes = story.slice(0, -1).map((message) => one.bytes(message));
    const deliver = (shop: Shop, order: readonly string[]) =>
      Promise.all(order.map((body) => shop.post(body, undefined, one.connection.url)));
    await Promise.all([deliver(one, bytes), deliver(two, bytes.toReversed())]);
    await Promise.all([one.paybell.settle(), two.paybell.settle()]);
    const expected = expectedTypes.filter((type) => !type.startsWith("licence."));
    const all = [
      ...(await types(two, /^(payment|order)\./)),
      ...(await types(two, /^(payment|order)\./, "test")),
    ].toSorted();
    expect(all).toEqual(expected.toSpliced(expected.indexOf("order.cancelled"), 1));
  });
});

describe("a receiver written for a provider", () => {
  const outgoing = ({ id, type, at, mode, data }: Event): Outgoing => ({
    id,
    type,
    at: Date.parse(at),
    test: mode === "test",
    data: JSON.stringify(data),
  });

  async function everything(): Promise<Event[]> {
    const shop = await openStore();
    for (const message of story) await shop.notify(message);
    return [...(await events(shop)), ...(await events(shop, /./, "test"))];
  }

  test("of CopeCart's is told of every event CopeCart has words for, and reads the same from it", async () => {
    const all = await everything();
    const carried = all.filter(({ type }) => copecartFormat.events!.includes(type));
    expect(new Set(carried.map(({ type }) => type)).size).toBe(6);
    for (const event of carried) {
      const body = copecartFormat.render(outgoing(event), {});
      const read = body && parse(body);
      if (!read?.ok) throw new Error(`${event.type} was not written, or cannot be read`);
      const [fact] = read.reading.facts;
      const { data } = event as unknown as { data: Record<string, string> & { amount: { minor: number } | null } };
      expect(read.reading).toMatchObject({
        orderId: data["order_id"],
        event: data["provider_event"],
        buyer: { email: (data["buyer"] as unknown as { email: string }).email, firstName: "Kim" },
      });
      if (fact && "amount" in fact) expect(fact.amount?.minor).toBe(BigInt(data.amount!.minor));
    }
  });

  test("of Digistore24's is told of every event Digistore24 has words for", async () => {
    const all = (await everything()).filter(({ type }) => digistore24Format.events!.includes(type));
    expect(new Set(all.map(({ type }) => type)).size).toBeGreaterThan(5);
    expect(all.filter((event) => !digistore24Format.render(outgoing(event), {}))).toEqual([]);
  });

  test("has words for none of the others", async () => {
    const others = (await everything()).filter(({ type }) => !(paymentEvents as readonly string[]).includes(type));
    expect(others.length).toBeGreaterThan(5);
    for (const format of [copecartFormat, digistore24Format])
      expect(others.filter((event) => format.render(outgoing(event), {}))).toEqual([]);
  });
});

describe("a cancellation of an order of which nothing else is known", () => {
  const orders = /^order\./;

  test("waits, goes out with the order's first payment, and is not told again when its day has passed", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    await shop.notify(cancelled("2026-04-15"));
    expect(await types(shop, orders)).toEqual([]);
    await shop.at("2026-03-01T20:00:00");
    await shop.notify(month(1));
    expect(await types(shop, /^(order|payment)\./)).toEqual(["order.created", "order.cancelled", "payment.made"]);
    const [told_] = await events(shop, /^order\.cancelled/);
    expect(told_!.data).toMatchObject({ ends_at: "2026-04-15", provider_event: "payment.recurring.cancelled" });
    await shop.at("2026-03-05T10:00:00");
    expect(await types(shop, /^order\./)).toEqual(["order.created", "order.cancelled"]);
  });

  test.each([["mapped"], ["not mapped"]])("goes out after a day, once, where it is %s", async (mapped) => {
    const shop = await openShop("2026-03-01T10:00:00");
    if (mapped === "mapped") await shop.product({ product_id: "4be81c07", features: ["club"] });
    await shop.notify(cancelled("2026-04-15"));
    await shop.at("2026-03-02T09:59:59");
    expect(await types(shop, orders)).toEqual([]);
    await shop.at("2026-03-02T10:00:00");
    const both = ["order.created", "order.cancelled"];
    expect(await types(shop, orders)).toEqual(both);
    await shop.at("2026-03-09T10:00:00");
    await shop.notify(month(1));
    expect(await types(shop, orders)).toEqual(both);
    await shop.notify(cancelled("2026-05-15"));
    expect(await types(shop, orders)).toEqual([...both, "order.cancelled"]);
  });

  test("that turns out to be a test's is never announced as live", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    await shop.notify(cancelled("2026-04-15"));
    await shop.notify(month(1, { payment_status: "test_paid", test_payment: true }));
    await shop.at("2026-03-09T10:00:00");
    expect(await types(shop, orders)).toEqual([]);
    expect(await types(shop, orders, "test")).toEqual(["order.created", "order.cancelled"]);
  });
});

test("a plan whose instalments are all paid is completed once, whatever is given back and paid again", async () => {
  const shop = await openShop("2026-03-01T10:00:00");
  await shop.product({ product_id: "4be81c07", features: ["master"] });
  for (const rate of [1, 2]) await shop.notify(third(rate));
  expect(await types(shop, /completed/)).toEqual([]);
  await shop.at("2026-03-02T10:00:00");
  await shop.notify(third(3));
  const [completed, ...more] = await events(shop, /completed/);
  expect(more).toEqual([]);
  expect(completed!.data).toMatchObject({ order_id: "A1B2C3D4", plan: { kind: "instalments", total: 3 } });
  await shop.at("2026-03-03T10:00:00");
  await shop.notify(third(3, { ...refund, transaction_id: "back" }));
  await shop.at("2026-03-04T10:00:00");
  await shop.notify(third(3, { transaction_id: "again" }));
  expect(await shop.order("A1B2C3D4")).toMatchObject({ items: [{ complete: true }] });
  expect(await types(shop, /completed/)).toHaveLength(1);
});

describe("a licence", () => {
  const licences = /^licence\./;

  test("is announced when it is given, used and freed, without its key", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    const product = await shop.product({
      product_id: "4be81c07",
      features: ["editor"],
      licence: { pattern: "XXXX-XXXX-XXXX", activations: 1 },
    });
    await shop.notify({});
    const given = (await shop.ok<{ data: { id: string; key: string; item_id: string }[] }>("GET", "/v1/licences"))
      .data[0]!;
    const ask = (what: string, machine: string) =>
      shop.api("POST", `/v1/licences/${what}`, { key: given.key, machine, name: "Kim's laptop" });
    await ask("activate", "m-1");
    await ask("activate", "m-1");
    expect((await ask("activate", "m-2")).status).toBe(409);
    await ask("deactivate", "m-2");
    await ask("deactivate", "m-1");
    await ask("deactivate", "m-1");
    const all = await events(shop, licences);
    expect(all.map(({ type }) => type)).toEqual(["licence.issued", "licence.activated", "licence.deactivated"]);
    for (const { data } of all)
      expect(data).toMatchObject({
        licence_id: given.id,
        item_id: given.item_id,
        order_id: "A1B2C3D4",
        email: "kim@example.com",
        product: { id: "4be81c07", name: "Video course", product_id: product.id },
      });
    const used = { machine: "m-1", name: "Kim's laptop" };
    expect(all[1]!.data).toMatchObject({ ...used, activations: { used: 1, limit: 1 } });
    expect(all[2]!.data).toMatchObject({ ...used, activations: { used: 0, limit: 1 } });
    expect(JSON.stringify(all)).not.toContain(given.key);
  });

  test("from a pool is announced when there is a key to give", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    const { id } = await shop.product({ product_id: "4be81c07", features: ["editor"], licence: {} });
    await shop.notify({});
    expect(await types(shop, licences)).toEqual([]);
    await shop.ok("POST", `/v1/products/${id}/keys`, { keys: ["POOL-0001-ABCD-EFGH"] });
    await shop.paybell.settle();
    expect(await types(shop, licences)).toEqual(["licence.issued"]);
  });

  test("is suspended with an unpaid plan, restored with the payment, and revoked at the end", async () => {
    const shop = await openShop("2026-01-15T10:00:00");
    await shop.product({ product_id: "4be81c07", features: ["club"], licence: { pattern: "XXXX-XXXX-XXXX" } });
    await shop.notify(month(1));
    await shop.at("2026-02-22T23:59:59");
    expect(await types(shop, licences)).toEqual(["licence.issued"]);
    await shop.at("2026-02-23T00:00:00");
    await shop.at("2026-02-24T00:00:00");
    expect(await types(shop, licences)).toEqual(["licence.issued", "licence.suspended"]);
    await shop.notify(month(2));
    await shop.notify(cancelled("2026-03-15"));
    await shop.at("2026-03-16T00:00:00");
    await shop.at("2026-05-01T00:00:00");
    expect(await types(shop, licences)).toEqual([
      "licence.issued",
      "licence.suspended",
      "licence.restored",
      "licence.revoked",
    ]);
  });
});

describe("an alarm", () => {
  test("is announced when it is raised, and again only when its cause has come back", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    await shop.notify({});
    await shop.notify({ order_id: "SECOND" });
    const [raised, ...more] = await events(shop, /^alarm/);
    expect(more).toEqual([]);
    const { data } = await shop.ok<{ data: { id: string }[] }>("GET", "/v1/alarms");
    expect(raised!.data).toMatchObject({
      alarm_id: data[0]!.id,
      kind: "product_unmapped",
      key: "copecart:4be81c07",
      data: { product_id: "4be81c07", order_id: "A1B2C3D4" },
    });
    const { id } = await shop.product({ product_id: "4be81c07", features: ["course"] });
    await shop.ok("PATCH", `/v1/products/${id}`, { sources: [] });
    await shop.notify({ order_id: "THIRD" });
    expect((await events(shop, /^alarm/)).map(({ data: said }) => said["alarm_id"])).toEqual([
      data[0]!.id,
      data[0]!.id,
    ]);
  });

  test("of a test order is a test's", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    await shop.notify({ payment_status: "test_paid", test_payment: true });
    expect(await types(shop, /^alarm/)).toEqual([]);
    expect(await types(shop, /^alarm/, "test")).toEqual(["alarm.raised"]);
  });

  test("about what could not be read is announced although nothing was booked", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    const body = JSON.stringify({ event_type: "payment.made" });
    expect(await shop.post(body)).toEqual({ status: 200, body: "OK" });
    const [raised] = await events(shop);
    expect(raised).toMatchObject({ type: "alarm.raised", data: { kind: "notification_unreadable" } });
  });
});

describe("a customer", () => {
  const customers = /^customer\./;

  test("is created once for all orders under one address", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    for (const order_id of ["FIRST", "SECOND"]) await shop.notify({ order_id, buyer_email: "Kim@Example.com" });
    const [created, ...more] = await events(shop, customers);
    expect(more).toEqual([]);
    expect(created).toMatchObject({
      type: "customer.created",
      data: { email: "kim@example.com", first_name: "Kim", last_name: "Example", country: "DE", reference: null },
    });
    expect(await types(shop, /^order/)).toEqual(["order.created", "order.created"]);
  });

  test("of a corrected address is told with the order that moved, and later payments name the new one", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    await shop.product({ product_id: "4be81c07", features: ["club"] });
    await shop.notify(month(1, { buyer_email: "kmi@example.com" }));
    const order = await shop.order("A1B2C3D4");
    await shop.ok("POST", `/v1/orders/${order.id}/contact`, { email: "Kim@Example.com" });
    const [first, second, changed] = await events(shop, customers);
    expect([first!.type, second!.type]).toEqual(["customer.created", "customer.created"]);
    expect(changed).toMatchObject({
      type: "customer.changed",
      data: {
        customer_id: second!.data["customer_id"],
        previous_customer_id: first!.data["customer_id"],
        order_id: "A1B2C3D4",
        email: "Kim@Example.com",
      },
    });
    await shop.notify(month(2, { buyer_email: "kmi@example.com" }));
    const made = (await events(shop, /^payment/)).at(-1)!.data;
    expect(made).toMatchObject({ customer_id: second!.data["customer_id"], buyer: { email: "Kim@Example.com" } });
  });

  test("who confirms another address by logging in has changed, the first time", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    await shop.product({ product_id: "4be81c07", features: ["course"], login: {} });
    const { id, checkout_reference } = await shop.ok<{ id: string; checkout_reference: string }>(
      "POST",
      "/v1/customers",
      { reference: "u-1", email: "old@example.com" },
    );
    for (const order_id of ["FIRST", "SECOND"])
      await shop.notify({ order_id, metadata: checkout_reference, buyer_email: "new@example.com" });
    expect(await types(shop, /^customer\.changed/)).toEqual([]);
    for (const { text } of await shop.mails()) {
      const path = /http:\/\/127\.0\.0\.1:8787(\/login\/[\w-]+)/.exec(text)![1]!;
      await shop.paybell.fetch(new Request(`http://127.0.0.1:8787${path}`, { method: "POST" }));
    }
    const changed = await events(shop, /^customer\.changed/);
    expect(changed.map(({ data }) => data)).toEqual([
      { customer_id: id, email: "new@example.com", order_id: null, previous_customer_id: null },
    ]);
  });

  test("who was erased is in no event any more, and in none that comes after", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    await shop.product({
      product_id: "4be81c07",
      features: ["club"],
      licence: { pattern: "XXXX-XXXX-XXXX", activations: 2 },
    });
    await shop.notify(month(3, { metadata: "kim's coupon", buyer_email: "kmi@example.com" }));
    const order = await shop.order("A1B2C3D4");
    await shop.ok("POST", `/v1/orders/${order.id}/contact`, { email: "kim@example.com" });
    await shop.paybell.settle();
    const { key } = (await shop.ok<{ data: { key: string }[] }>("GET", "/v1/licences")).data[0]!;
    await shop.api("POST", "/v1/licences/activate", { key, machine: "m-1", name: "Kim's laptop" });
    await shop.notify({ order_id: "OTHER", buyer_email: "sam@example.com", buyer_firstname: "Sam" });
    const before = await events(shop);
    const { data: found } = await shop.ok<{ data: { id: string }[] }>("GET", "/v1/customers?email=kim@example.com");
    await shop.ok("DELETE", `/v1/customers/${found[0]!.id}`);
    await shop.ok("DELETE", `/v1/customers/${found[0]!.id}`);
    await shop.notify(month(3, { ...refund, transaction_id: "back", metadata: "kim's coupon" }));
    const after = await events(shop);
    expect(after.map(({ id }) => id).slice(0, before.length)).toEqual(before.map(({ id }) => id));
    const others = after.filter(({ data }) => data["order_id"] === "OTHER");
    expect(JSON.stringify(others)).toContain("sam@example.com");
    const own = after.filter((event) => !others.includes(event) && !JSON.stringify(event).includes("sam@"));
    expect(JSON.stringify(own)).not.toMatch(/kim|kmi|Example"/i);
    expect(own.filter(({ type }) => type === "customer.erased").map(({ data }) => data)).toEqual([
      { customer_id: found[0]!.id },
    ]);
    const payments = own.filter(({ type }) => type.startsWith("payment."));
    expect(payments.map(({ data }) => [data["order_id"], data["buyer"], data["reference"]])).toEqual([
      ["A1B2C3D4", { email: "" }, null],
      ["A1B2C3D4", { email: "" }, null],
    ]);
  });
});
