import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Reading } from "../domain/fact.ts";
import type { Known } from "../protocol.ts";
import { ablefy } from "./ablefy.ts";
import { confirmed, message, options, reply, type Values } from "./fixtures/messages.ts";
import { bytes, vector } from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";

const eur = (minor: bigint) => ({ minor, currency: "EUR" });

function reading(body: Uint8Array, known: Known = confirmed()): Reading {
  const parsed = parse(body, known);
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.reading;
}

const facts = (changes: Values, known?: Known) => reading(message(changes), known).facts;

test("the observed sale is the first payment of a subscription, as a form and as JSON", () => {
  const said = reading(bytes(vector("payment-successful-form").body));
  expect(said).toEqual({
    event: "payment.successful",
    orderId: "900001",
    aliases: ["transfer:58000001"],
    buyer: { email: "kaeufer@example.com", firstName: "Jörg", lastName: "Müller", country: "DE" },
    facts: [
      {
        kind: "payment",
        transactionId: "58000001",
        amount: eur(2900n),
        rate: 1,
        next: { day: "2026-04-02" },
        identity: "payment:58000001:43000",
        productId: "43000",
        productName: "Mitgliedschaft",
        happenedAt: Date.parse("2026-03-02T09:15:00Z"),
        plan: { kind: "subscription" },
      },
    ],
  });
  expect(reading(message())).toEqual(said);
});

test("numbers say the same as text, as the JSON of newer connections may have them", () => {
  const numbers = { order_id: 900001, id: 58000001, product_id: 43000, revenue: 29.0, payments_count: 1 };
  expect(facts(numbers)).toEqual(facts({}));
});

test.each([
  ["payment.successful", "payment"],
  ["payment.pending", "payment_pending"],
  ["payment.cancelled", "payment_failed"],
  ["payment.error", "payment_failed"],
  ["payment.failed", "payment_failed"],
  ["refund.successful", "refund"],
  ["chargeback.successful", "dispute_opened"],
  ["chargeback.canceled", "dispute_won"],
])("%s is a %s", (event, kind) => {
  expect(facts({ event }).map((fact) => fact.kind)).toEqual([kind]);
});

test.each([
  ["order.subscription.paying", "resumed"],
  ["order.subscription.cancelled", "cancelled"],
  ["order.installments.canceled", "cancelled"],
  ["order.subscription.reactivated", "resumed"],
])("%s is %s", (event, kind) => {
  expect(facts({ event }, confirmed(900001)).map((fact) => fact.kind)).toEqual([kind]);
});

test.each([
  "refund.pending",
  "refund.cancelled",
  "refund.failed",
  "chargeback.pending",
  "chargeback.failed",
  "order.subscription.paused",
  "order.completed",
  "lesson.viewed",
  "something.new",
])("%s says nothing", (event) => {
  expect(reading(message({ event }), {})).toEqual({ event, orderId: "900001", facts: [] });
});

test("an old connection that names only its action is read, and its state of a subscription books no money", () => {
  expect(facts({ event: undefined })).toEqual(facts({}));
  expect(reading(message({ event: "", action: "subscription_state_changed" }), {}).facts).toEqual([]);
});

test("without ablefy's word a message says nothing of money", () => {
  for (const known of [undefined, { options }, { options, replies: [reply(404), reply(404)] }])
    expect(parse(message(), known)).toMatchObject({ ok: false, code: "unreadable_reply" });
});

test("what ablefy says goes before what the message says", () => {
  const said = reading(
    message({ revenue: "1.0", payer: { email: "other@example.com" }, product_id: "1" }),
    confirmed(58000001, { revenue: "29.0", product_id: 43000, payer: { email: "kaeufer@example.com" }, amount: "5.0" }),
  );
  expect(said).toMatchObject({
    buyer: { email: "kaeufer@example.com" },
    facts: [{ amount: eur(2900n), productId: "43000" }],
  });
});

test("what the buyer paid is booked, not the seller's share", () => {
  expect(facts({ revenue: "29.0", amount: "24.1" })).toMatchObject([{ amount: eur(2900n) }]);
});

test("a refund and a chargeback are of the payment they name, and known by it where no order is named", () => {
  const back = { id: "58000009", refunded_transfer_id: "58000001", revenue: "-29.0" };
  const known = confirmed(58000009);
  expect(reading(message({ ...back, event: "refund.successful", order_id: "" }), known)).toMatchObject({
    aliases: ["transfer:58000009", "transfer:58000001"],
    facts: [{ kind: "refund", transactionId: "58000009", refunds: "58000001", amount: eur(2900n) }],
  });
  for (const event of ["chargeback.successful", "chargeback.cancelled"])
    expect(facts({ ...back, event }, known)).toMatchObject([{ transactionId: "58000001", amount: eur(2900n) }]);
});

test("a part refund has its own amount", () => {
  expect(facts({ event: "refund.successful", revenue: "-9.5" })).toMatchObject([{ amount: eur(950n) }]);
});

test("a refund that names no product is that of its payment, whatever that was for", () => {
  const bare = { product_id: "", product: {}, event: "refund.successful" };
  expect(facts(bare)).toMatchObject([{ productId: "" }]);
  expect(parse(message({ ...bare, event: "payment.successful" }), confirmed())).toMatchObject({
    code: "unreadable_product",
  });
});

test("a cancellation names no end and no time: the message's dates are those of the order", () => {
  const [fact] = facts({ event: "order.subscription.cancelled" }, confirmed(900001));
  expect(fact).toMatchObject({ kind: "cancelled", chosenByVendor: false, productId: "43000" });
  expect(fact).not.toHaveProperty("for");
  expect(fact).not.toHaveProperty("happenedAt");
});

test("that a subscription is active lifts nothing without a time, that it was taken up again does", () => {
  const undated = { created_date: "", success_date: "" };
  expect(facts({ event: "order.subscription.paying", ...undated }, confirmed(900001))).toEqual([]);
  expect(facts({ event: "order.subscription.reactivated", ...undated }, confirmed(900001))).toHaveLength(1);
});

test.each([
  ["no", "", { kind: "once" }],
  ["yes", "subscription", { kind: "subscription" }],
  ["yes", "limited_subscription", { kind: "subscription" }],
  ["yes", "installments", { kind: "instalments", total: 3 }],
  ["", "", undefined],
])("recurring %j in the form %j is the plan %j", (recurring, recurring_form, plan) => {
  expect(facts({ recurring, recurring_form, payments_count_expected: "3" })[0]?.plan).toEqual(plan);
});

test.each([
  [{ success_date_utc: "2026-03-02T08:00Z" }, "2026-03-02T08:00Z"],
  [{ success_date: "", created_date: "", created_date_utc: "2026-03-02 08:00:00" }, "2026-03-02T08:00Z"],
  [{ success_date: "2026-03-02 09:15:00" }, "2026-03-02T08:15Z"],
])("%j happened at %s", (changes: Values, text) => {
  expect(facts(changes)[0]?.happenedAt).toBe(Date.parse(text));
});

test.each([
  [[], undefined],
  ["text", undefined],
  [[null, { state: "to_be_paid", date: "31.02.2026" }], undefined],
  [
    [
      { state: "debt", date: "01.03.2026" },
      { state: "to_be_paid", date: "01.04.2026" },
    ],
    { day: "2026-04-01" },
  ],
])("of the schedule %j the next payment is %j", (payments_schedule, next) => {
  const [fact] = facts({ payments_schedule });
  expect(fact && "next" in fact ? fact.next : undefined).toEqual(next);
});

test("a membership without a product's number is known by its own", () => {
  const changes = { product_id: "", product: "", membership: { id: 7, name: "Club" } };
  expect(facts(changes)).toMatchObject([{ productId: "7", productName: "Club" }]);
});

test.each([
  ["unreadable_amount", { revenue: "29,00" }],
  ["unreadable_amount", { revenue: "" }],
  ["unreadable_currency", { currency: "" }],
])("%s: a payment with %j waits for the operator", (code, changes) => {
  expect(parse(message(changes), confirmed())).toMatchObject({ ok: false, code });
});

test("a payment of which no payer is named opens no order", () => {
  expect(reading(message({ payer: null }))).not.toHaveProperty("buyer");
});

test("what could be stored is answered with 200, what was refused with 401, and what has to come again with 503", () => {
  const status = (outcome: Parameters<typeof ablefy.answer>[0]) => ablefy.answer(outcome).status;
  expect([status("stored"), status("refused"), status("unavailable")]).toEqual([200, 401, 503]);
});

test("both parts of the API's access are asked for, and neither is shown again", () => {
  expect(ablefy.options?.map(({ name, required, secret }) => [name, required, secret])).toEqual([
    ["api_key", true, true],
    ["api_secret", true, true],
  ]);
});

test("no bytes, fields or replies make parsing throw", () => {
  const fields = fc.dictionary(
    fc.constantFrom(
      "event",
      "id",
      "order_id",
      "payer",
      "product",
      "payments_schedule",
      "revenue",
      "recurring",
      "state",
    ),
    fc.jsonValue(),
  );
  const body = fc.oneof(
    fc.uint8Array().map((data) => new Uint8Array(data)),
    fc.jsonValue().map((value) => bytes(JSON.stringify(value))),
    fields.map(message),
  );
  fc.assert(
    fc.property(body, fields, (one, more) => {
      const parsed = parse(one, confirmed(58000001, more));
      if (!parsed.ok) expect(parsed.code).toMatch(/^unreadable_/);
      else for (const fact of parsed.reading.facts) expect(fact.identity.startsWith(`${fact.kind}:`)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});
