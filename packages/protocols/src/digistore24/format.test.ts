import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { paymentEvents, type PaymentData } from "../domain/payment.ts";
import { anyPayment } from "../fixtures/any-payment.ts";
import type { Outgoing } from "../format.ts";
import { vector } from "./fixtures/vectors.ts";
import { digistore24Format } from "./format.ts";
import { verifyForm } from "./verify.ts";

const passphrase = "Geh31m-Gärtner#2026";
const types = paymentEvents.filter((type) => digistore24Format.events?.includes(type));

function rendered(event: Outgoing): Uint8Array<ArrayBuffer> {
  const body = digistore24Format.render(event, {});
  if (!body) throw new Error("the event was not rendered");
  return body;
}

/** What PHP's $_POST holds of a form of flat names; without any of our code. */
function post(body: Uint8Array): Record<string, string> {
  const decoded = (text: string) => decodeURIComponent(text.replaceAll("+", " "));
  const pairs = Buffer.from(body)
    .toString("latin1")
    .split("&")
    .map((pair) => pair.split("="));
  return Object.fromEntries(pairs.map(([name = "", ...value]) => [decoded(name), decoded(value.join("="))]));
}

/** The receiver's side as PHP code does it: ksort, skip what is empty, hash, upper case. */
function phpAccepts(body: Uint8Array): boolean {
  const { sha_sign: received, ...fields } = post(body);
  const names = Object.keys(fields).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const text = names.filter((name) => fields[name] !== "").map((name) => `${name}=${fields[name]}${passphrase}`);
  return received === createHash("sha512").update(text.join(""), "utf8").digest("hex").toUpperCase();
}

test("a receiver in PHP accepts any event we send, and so does our own check", async () => {
  await fc.assert(
    fc.asyncProperty(anyPayment(types), async ({ event }) => {
      const body = rendered(event);
      const attempt = { id: event.id, at: event.at, secrets: [passphrase], number: 1 };
      const signed = await digistore24Format.sign(body, attempt);
      expect(signed.headers).toEqual({ "Content-Type": "application/x-www-form-urlencoded" });
      expect(phpAccepts(signed.body)).toBe(true);
      expect(await verifyForm(signed.body, [passphrase])).toEqual({ ok: true });
      const { sha_sign: _, ...sent } = post(signed.body);
      expect(sent).toEqual(post(body));
      expect(Object.keys(sent).filter((name) => !/^[A-Za-z0-9_]+$/.test(name))).toEqual([]);
    }),
  );
});

const calendar = new Intl.DateTimeFormat("sv-SE", {
  timeZone: "Europe/Berlin",
  dateStyle: "short",
  timeStyle: "medium",
});
const places: Readonly<Record<string, number>> = { JPY: 0, KWD: 3 };

test("order, item, buyer, money and time are told as they are", () => {
  fc.assert(
    fc.property(anyPayment(types), ({ event, data }) => {
      const fields = post(rendered(event));
      const [day, time] = calendar.format(Date.parse(data.happened_at)).split(" ");
      expect(fields).toMatchObject({
        order_id: data.order_id,
        order_item_id: data.product.id,
        product_id: data.product.id,
        product_name: data.product.name ?? "",
        quantity: String(data.quantity ?? 1),
        email: data.buyer.email,
        buyer_first_name: data.buyer.first_name ?? "",
        address_last_name: data.buyer.last_name ?? "",
        custom: data.reference ?? "",
        api_mode: data.test ? "test" : "live",
        transaction_date: day,
        transaction_time: time,
        transaction_processed_at: `${day} ${time}`,
      });
      if (!data.amount) return;
      const { minor, currency } = data.amount;
      expect(fields["transaction_currency"]).toBe(currency);
      const [whole = "", fraction = ""] = (fields["transaction_amount"] ?? "").split(".");
      expect(fraction.length).toBeGreaterThanOrEqual(2);
      const digits = places[currency] ?? 2;
      expect(BigInt(whole + fraction.padEnd(digits, "0").slice(0, digits))).toBe(BigInt(minor));
    }),
  );
});

const member: PaymentData = {
  order_id: "T3STAB34",
  ordered_at: "2026-01-01T08:00:00Z",
  transaction_id: "70020009",
  product: { id: "600200", name: "Mitgliedschaft" },
  buyer: { email: "abo@example.com", first_name: "Ada", last_name: "Test" },
  amount: { minor: 2_900, currency: "EUR" },
  tax_minor: 463,
  plan: { kind: "subscription", interval: { unit: "month", count: 1 } },
  rate: 4,
  next_payment_at: "2026-04-30T22:30:00Z",
  happened_at: "2026-04-01T06:05:09Z",
  test: false,
};

const eventOf = (type: string, changes: Partial<PaymentData> = {}): Outgoing => {
  const data = { ...member, ...changes };
  return { id: "evt_1", type, at: Date.parse(data.happened_at), test: data.test, data: JSON.stringify(data) };
};
const fieldsOf = (type: string, changes: Partial<PaymentData> = {}) => post(rendered(eventOf(type, changes)));

test("a renewal says what the published one says", () => {
  const published = post(Buffer.from(vector("renewal-4th-payment").body));
  const ours = fieldsOf("payment.made", { tax_minor: 0 });
  // Its item has a number of its own there; and the price of the first payment is not ours to know.
  const { sha_sign: _, order_item_id: __, first_amount: ___, ...comparable } = published;
  expect(ours).toMatchObject(comparable);
});

test.each([
  ["payment.made", "on_payment", "payment"],
  ["payment.failed", "on_payment_missed", "payment_missed"],
  ["payment.refunded", "on_refund", "refund"],
  ["payment.disputed", "on_chargeback", "chargeback"],
  ["order.trial_started", "on_payment", "payment"],
  ["order.cancelled", "on_rebill_cancelled", "rebill_cancelled"],
  ["order.resumed", "on_rebill_resumed", "rebill_resumed"],
])("%s is %s, a %s", (type, event, transaction_type) => {
  expect(fieldsOf(type)).toMatchObject({ event, transaction_type, ipn_version: "1.6" });
});

test.each([
  "payment.pending",
  "payment.refund_reversed",
  "payment.dispute_won",
  "payment.dispute_lost",
  "access.granted",
])("Digistore24 has no words for %s", (type) => {
  expect(digistore24Format.events).not.toContain(type);
  expect(digistore24Format.render(eventOf(type), {})).toBeUndefined();
});

test.each([
  ["payment.made", {}, { billing_status: "paying", billing_stop_reason: "", next_payment_at: "2026-05-01" }],
  [
    "payment.made",
    { plan: { kind: "once" } },
    { billing_status: "completed", billing_type: "single_payment", pay_sequence_no: "0" },
  ],
  [
    "payment.made",
    { plan: { kind: "instalments", total: 4, interval: { unit: "week", count: 2 } } },
    {
      billing_status: "completed",
      billing_type: "installment",
      number_of_installments: "4",
      other_billing_intervals: "14_day",
    },
  ],
  ["payment.made", { plan: { kind: "instalments", total: 5 } }, { billing_status: "paying", pay_sequence_no: "4" }],
  ["payment.failed", {}, { billing_status: "unpaid", billing_stop_reason: "" }],
  [
    "order.cancelled",
    { ends_at: "2026-04-30T22:00:00Z" },
    {
      billing_status: "aborted",
      billing_stop_reason: "unknown",
      is_cancelled_for: "2026-04-30",
      rebill_stop_noted_at: "2026-04-01 08:05:09",
    },
  ],
  ["order.resumed", {}, { billing_status: "paying", billing_stop_reason: "" }],
  [
    "order.trial_started",
    { amount: null, tax_minor: null, rate: null, transaction_id: null, ends_at: "2026-04-15" },
    { transaction_amount: "0.00", pay_sequence_no: "1", next_payment_at: "2026-04-15", transaction_id: "evt_1" },
  ],
  ["payment.made", { test: true }, { api_mode: "test", pay_method: "test" }],
  ["payment.refunded", { parent_transaction_id: "7" }, { transaction_amount: "29.00", parent_transaction_id: "7" }],
  [
    "payment.made",
    {},
    { amount_brutto: "29.00", amount_netto: "24.37", amount_vat: "4.63", transaction_vat_amount: "4.63" },
  ],
] satisfies [string, Partial<PaymentData>, object][])("%s with %j says %j", (type, changes, fields) => {
  expect(fieldsOf(type, changes)).toMatchObject(fields);
});

test("a single payment has no next one, and a refund tells no price of the plan", () => {
  expect(fieldsOf("payment.made", { plan: { kind: "once" } })).not.toHaveProperty("next_payment_at");
  const refund = fieldsOf("payment.refunded");
  for (const name of ["first_amount", "other_amounts", "billing_status"]) expect(refund).not.toHaveProperty(name);
});

test("the sample is a connection test without an order", () => {
  const at = Date.parse(member.happened_at);
  const sample = { id: "evt_1", at, test: true, ...digistore24Format.sample(at) };
  expect(post(rendered(sample))).toEqual({
    event: "connection_test",
    event_label: "connection test",
    ipn_version: "1.6",
    api_mode: "test",
  });
});

test.each([
  [{ status: 200, body: "OK" }, true],
  [{ status: 200, body: "OK\nthankyou_url: https://shop.example/danke" }, true],
  [{ status: 200, body: "ok" }, false],
  [{ status: 200, body: "ERROR: no" }, false],
  [{ status: 200, body: " OK" }, false],
  [{ status: 202, body: "OK" }, false],
])("the answer %j counts as arrived: %s", (answer, arrived) => {
  expect(digistore24Format.accepts(answer)).toBe(arrived);
});

test("a passphrase of more than 63 characters is refused", () => {
  expect(digistore24Format.secretFault("x".repeat(63))).toBeUndefined();
  expect(digistore24Format.secretFault("x".repeat(64))).toContain("63 at most");
});

test("an amount in an unknown currency is not sent", () => {
  const amount = { minor: 1, currency: "XXX" };
  expect(() => digistore24Format.render(eventOf("payment.made", { amount }), {})).toThrow("currency_unknown");
});
