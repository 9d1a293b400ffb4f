import { expect, test } from "vitest";
import { wholeOrder } from "../domain/fact.ts";
import { invoice, message, order, reply, subscription, subscriptionAttributes } from "./fixtures/messages.ts";
import { bytes, vector } from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";

const at = (text: string) => Date.parse(text);
const eur = (minor: bigint) => ({ minor, currency: "EUR" });
const gold = { productId: "601", productName: "Club: Gold" };
const plan = { kind: "subscription" };

function read(body: Uint8Array<ArrayBuffer>, known?: Parameters<typeof parse>[1]) {
  const parsed = parse(body, known);
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.reading;
}

const priced = (attributes: object) => ({ replies: [reply("prices", "602", attributes)] });
const asked = (more: object = {}) => ({ replies: [reply("subscriptions", "55", subscriptionAttributes(more))] });

test("the published order is a payment for its first item, in test mode", () => {
  expect(read(bytes(vector("order-created").body))).toEqual({
    event: "order_created",
    mode: "test",
    orderId: "1234",
    buyer: { email: "kaeufer@example.com", firstName: "Jörg", lastName: "Müller" },
    facts: [
      {
        kind: "payment",
        transactionId: "1234",
        amount: eur(11900n),
        identity: "payment:orders:1234",
        productId: "601",
        productName: "Grundkurs",
      },
    ],
  });
});

test("a live order tells its time, quantity and reference", () => {
  expect(read(order("order_created"))).toMatchObject({
    mode: "live",
    buyer: { email: "kim@example.com", firstName: "Kim", lastName: "de Boer", reference: "konto-7" },
    facts: [{ ...gold, quantity: 2, happenedAt: at("2026-03-02T09:15:30Z") }],
  });
});

test("what was asked of the price tells how the order is paid", () => {
  const yearly = { category: "subscription", renewal_interval_unit: "year", renewal_interval_quantity: 1 };
  expect(read(order("order_created"), priced(yearly)).facts).toMatchObject([
    { plan: { kind: "subscription", interval: { unit: "year", count: 1 } } },
  ]);
  expect(read(order("order_created"), priced({ category: "one_time" })).facts).toMatchObject([
    { plan: { kind: "once" } },
  ]);
  expect(read(order("order_created")).facts[0]).not.toHaveProperty("plan");
});

test.each([
  ["pending", "payment_pending"],
  ["failed", "payment_failed"],
])("an order that is %s is no payment", (status, kind) => {
  expect(read(order("order_created", { status })).facts).toMatchObject([{ kind, transactionId: "1234" }]);
});

test("an order that is fraudulent says nothing", () => {
  expect(read(order("order_created", { status: "fraudulent" })).facts).toEqual([]);
});

test("an order over 0 is the start of a trial, unless a discount or the price says otherwise", () => {
  const free = { total: 0, subtotal: 0 };
  expect(read(order("order_created", free)).facts).toEqual([]);
  expect(read(order("order_created", { ...free, discount_total: 2900 })).facts).toMatchObject([
    { kind: "payment", amount: eur(0n) },
  ]);
  const trial = { category: "subscription", trial_interval_unit: "day" };
  expect(read(order("order_created", free), priced(trial)).facts).toEqual([]);
  expect(read(order("order_created", free), priced({ category: "lead_magnet" })).facts).toMatchObject([
    { kind: "payment", amount: eur(0n), plan: { kind: "once" } },
  ]);
});

test("a full refund names the order's payment", () => {
  const more = {
    status: "refunded",
    refunded: true,
    refunded_amount: 2900,
    refunded_at: "2026-03-05T10:00:00.000000Z",
  };
  expect(read(order("order_refunded", more))).toMatchObject({
    orderId: "1234",
    facts: [
      {
        kind: "refund",
        transactionId: "1234:refund:full",
        refunds: "1234",
        amount: eur(2900n),
        identity: "refund:orders:1234:full",
        happenedAt: at("2026-03-05T10:00:00Z"),
        ...gold,
      },
    ],
  });
});

test("a refund of a part is what was given back so far, and the whole is another fact", () => {
  const part = { status: "partial_refund", refunded: true, refunded_amount: 500 };
  expect(read(order("order_refunded", part)).facts).toMatchObject([
    { amount: eur(500n), identity: "refund:orders:1234:part" },
  ]);
  expect(read(order("order_refunded", { ...part, refunded_amount: 2900 })).facts).toMatchObject([
    { amount: eur(2900n), identity: "refund:orders:1234:full" },
  ]);
});

test("an older message without the sum is a refund of everything; one of a part that tells no sum waits", () => {
  expect(read(order("order_refunded", { refunded: true })).facts).toMatchObject([{ amount: eur(2900n) }]);
  expect(parse(order("order_refunded", { refunded: true, status: "partial_refund" }))).toMatchObject({
    code: "unreadable_amount",
  });
});

test("a new subscription tells its plan and ties itself to the order, without money", () => {
  expect(read(subscription("subscription_created"))).toMatchObject({
    orderId: "1234",
    aliases: ["subscriptions:55"],
    facts: [
      {
        kind: "contact_changed",
        email: "kim@example.com",
        ...gold,
        plan: { kind: "subscription", interval: { unit: "month", count: 1 } },
        happenedAt: at("2026-03-02T09:15:30Z"),
      },
    ],
  });
});

test.each([
  ["2026-03-03T09:15:30Z", { unit: "day", count: 1 }],
  ["2026-03-09T09:15:30Z", { unit: "week", count: 1 }],
  ["2026-06-02T09:15:30Z", { unit: "month", count: 3 }],
  ["2026-09-02T09:15:30Z", { unit: "month", count: 6 }],
  ["2027-03-02T09:15:30Z", { unit: "year", count: 1 }],
  ["2026-03-12T09:15:30Z", undefined],
])("a subscription of 2 March that renews on %s has the interval %j", (renews_at, interval) => {
  const { facts } = read(subscription("subscription_created", { renews_at }));
  expect(facts[0]?.plan).toEqual({ kind: "subscription", ...(interval && { interval }) });
});

test("a month begun on the 31st is a month", () => {
  const created = { created_at: "2026-01-31T09:00:00Z", renews_at: "2026-02-28T09:00:00Z" };
  expect(read(subscription("subscription_created", created)).facts[0]?.plan).toMatchObject({
    interval: { unit: "month" },
  });
});

test("a trial is told, and the interval when it is over", () => {
  const trial = { status: "on_trial", trial_ends_at: "2026-03-16T09:15:30Z", renews_at: "2026-03-16T09:15:30Z" };
  for (const event of ["subscription_created", "subscription_updated"])
    expect(read(subscription(event, trial)).facts).toMatchObject([
      { kind: "trial", to: { at: at("2026-03-16T09:15:30Z") }, ...gold, plan, identity: expect.stringContaining("55") },
    ]);
  const over = { ...trial, status: "active", renews_at: "2026-04-16T09:15:30Z" };
  expect(read(subscription("subscription_updated", over)).facts).toMatchObject([
    { kind: "contact_changed", plan: { interval: { unit: "month", count: 1 } } },
  ]);
});

test("an update of a running subscription says nothing", () => {
  expect(read(subscription("subscription_updated")).facts).toEqual([]);
  const leaving = { cancelled: true, status: "cancelled", ends_at: "2026-04-02T09:15:30Z" };
  expect(read(subscription("subscription_updated", leaving)).facts).toEqual([]);
});

test.each(["subscription_cancelled", "subscription_expired"])("%s stops the plan on the day it ends", (event) => {
  const more = { cancelled: true, ends_at: "2026-04-02T09:15:30Z" };
  expect(read(subscription(event, more)).facts).toMatchObject([
    { kind: "cancelled", for: { at: at("2026-04-02T09:15:30Z") }, chosenByVendor: false, ...gold, plan },
  ]);
});

test("cancelled, resumed and cancelled again for the same day are three facts", () => {
  const ends_at = "2026-04-02T09:15:30Z";
  const identities = [
    read(subscription("subscription_cancelled", { ends_at, updated_at: "2026-03-10T00:00:00Z" })),
    read(subscription("subscription_resumed", { updated_at: "2026-03-11T00:00:00Z" })),
    read(subscription("subscription_cancelled", { ends_at, updated_at: "2026-03-12T00:00:00Z" })),
  ].flatMap(({ facts }) => facts.map(({ identity }) => identity));
  expect(new Set(identities).size).toBe(3);
});

test("a pause stops the plan without a day, one in which everything is given goes on, and its end resumes it", () => {
  const paused = read(subscription("subscription_paused", { pause: { mode: "void", resumes_at: null } }));
  expect(paused.facts).toMatchObject([{ kind: "cancelled", productId: "601" }]);
  expect(paused.facts[0]).not.toHaveProperty("for");
  expect(read(subscription("subscription_paused", { pause: { mode: "free" } })).facts).toEqual([]);
  expect(read(subscription("subscription_unpaused")).facts).toMatchObject([{ kind: "resumed" }]);
});

test("a renewal is known by its subscription alone, and its money is said of the whole order", () => {
  const reading = read(invoice("subscription_payment_success"));
  expect(reading).toEqual({
    event: "subscription_payment_success",
    mode: "live",
    aliases: ["subscriptions:55"],
    buyer: expect.objectContaining({ email: "kim@example.com" }),
    facts: [
      {
        kind: "payment",
        transactionId: "77",
        amount: eur(2900n),
        identity: "payment:subscription-invoices:77",
        productId: wholeOrder,
        plan,
        happenedAt: at("2026-04-02T09:15:30Z"),
      },
    ],
  });
});

test("a renewal whose subscription was asked for names order, product and the next payment", () => {
  const reading = read(invoice("subscription_payment_success"), asked({ renews_at: "2026-05-02T09:15:30Z" }));
  expect(reading).toMatchObject({
    orderId: "1234",
    facts: [
      {
        kind: "payment",
        ...gold,
        next: { at: at("2026-05-02T09:15:30Z") },
        identity: "payment:subscription-invoices:77",
      },
    ],
  });
  const stale = read(invoice("subscription_payment_success"), asked({ renews_at: "2026-04-02T09:15:30Z" }));
  expect(stale.facts[0]).not.toHaveProperty("next");
});

test("a failed renewal that is paid later is one payment", () => {
  const success = read(invoice("subscription_payment_success"));
  expect(read(invoice("subscription_payment_recovered")).facts).toEqual(success.facts);
  expect(read(invoice("subscription_payment_failed")).facts).toMatchObject([
    { kind: "payment_failed", transactionId: "77", productId: wholeOrder, plan },
  ]);
});

test("the first invoice is the money of the order, told twice", () => {
  const first = invoice("subscription_payment_success", {
    billing_reason: "initial",
    created_at: "2026-03-02T09:15:30Z",
  });
  expect(read(first)).toMatchObject({ aliases: ["subscriptions:55"], facts: [] });
  const known = read(first, asked());
  const ordered = read(order("order_created")).facts[0];
  expect(known).toMatchObject({
    orderId: "1234",
    facts: [
      {
        kind: "payment",
        identity: ordered?.identity,
        transactionId: "1234",
        amount: eur(2900n),
        productId: ordered?.productId,
      },
    ],
  });
  const trial = invoice("subscription_payment_success", { billing_reason: "initial", total: 0 });
  expect(read(trial, asked()).facts).toEqual([]);
});

test("the refund of the first invoice is that of the order, told twice", () => {
  const more = { billing_reason: "initial", status: "refunded", refunded: true, refunded_amount: 2900 };
  const first = invoice("subscription_payment_refunded", more);
  expect(read(first).facts).toEqual([]);
  const ordered = read(order("order_refunded", { status: "refunded" })).facts[0];
  expect(read(first, asked()).facts).toMatchObject([
    { kind: "refund", identity: ordered?.identity, refunds: "1234", amount: eur(2900n), productId: "601" },
  ]);
});

test("the refund of a renewal names its payment", () => {
  const more = { status: "refunded", refunded: true, refunded_at: "2026-04-10T00:00:00Z" };
  expect(read(invoice("subscription_payment_refunded", more))).toMatchObject({
    aliases: ["subscriptions:55"],
    facts: [{ kind: "refund", refunds: "77", amount: eur(2900n), identity: "refund:subscription-invoices:77:full" }],
  });
});

test.each(["license_key_created", "license_key_updated", "customer_updated"])("%s says nothing", (event) => {
  expect(read(message(event, "license-keys", "1", { order_id: 1234 }))).toEqual({ event, mode: "live", facts: [] });
});

test("a subscription and an order of the same number are not taken for one", () => {
  expect(read(subscription("subscription_created")).aliases).not.toContain("55");
});

test("whether it is a test the envelope says, otherwise the object; otherwise nobody", () => {
  const without = { test_mode: undefined };
  expect(read(order("order_created", { test_mode: true }, without)).mode).toBe("test");
  expect(read(order("order_created", {}, without)).mode).toBeUndefined();
});

test.each([
  ["", "unreadable_json"],
  ["{}", "unreadable_event_name"],
  ['{"meta":{"event_name":"order_created"},"data":{"type":"orders"}}', "unreadable_id"],
  ['{"meta":{"event_name":"order_created"},"data":{"type":"orders","id":"1"}}', "unreadable_attributes"],
])("the body %j is %s", (body, code) => {
  expect(parse(bytes(body))).toMatchObject({ ok: false, code });
});

test.each([
  ["amount", { total: "29.00" }],
  ["amount", { total: -1 }],
  ["amount", { total: 29.5 }],
  ["currency", { currency: "XXX" }],
])("a payment whose %s cannot be read waits", (what, more) => {
  expect(parse(order("order_created", more))).toMatchObject({ ok: false, code: `unreadable_${what}` });
});
