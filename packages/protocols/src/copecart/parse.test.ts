import { expect, test } from "vitest";
import type { Fact } from "../domain/fact.ts";
import { bytes, changed } from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";

const at = (text: string) => Date.parse(text);
const eur = (minor: bigint) => ({ minor, currency: "EUR" });

/** The facts of a vector with some fields changed. */
function facts(name: string, changes: Record<string, unknown>): readonly Fact[] {
  const parsed = parse(changed(name, changes));
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.reading.facts;
}

function buyer(changes: Record<string, unknown>) {
  const parsed = parse(changed("one-time-payment-made", changes));
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.reading.buyer;
}

const renewal = "subscription-renewal";
const made = "one-time-payment-made";

test.each([
  ["payment.made", "paid", "payment"],
  ["payment.made", "something new", "payment"],
  ["payment.made", undefined, "payment"],
  ["payment.made", "pending", "payment_pending"],
  ["payment.made", "failed", "payment_failed"],
  ["payment.made", "failed_as_chargeback", "dispute_lost"],
  ["payment.trial", "trial", "trial"],
  ["payment.trial", "test_trial", "trial"],
  ["payment.pending", "pending", "payment_pending"],
  ["payment.failed", "failed", "payment_failed"],
  ["payment.failed", "something new", "payment_failed"],
  ["payment.failed", "failed_as_chargeback", "dispute_lost"],
  ["payment.refunded", "successed_refunded", "refund"],
  ["payment.refunded", "test_successed_refunded", "refund"],
  ["payment.refunded", "something new", "refund"],
  ["payment.refunded", "failed_refunded", "refund_reversed"],
  ["payment.charged_back", "chargeback_succeeded", "dispute_opened"],
  ["payment.charged_back", "something new", "dispute_opened"],
  ["payment.charged_back", "chargeback_failed", "dispute_won"],
])("%s with the status %s is a %s", (event_type, payment_status, kind) => {
  expect(facts(renewal, { event_type, payment_status }).map((fact) => fact.kind)).toEqual([kind]);
});

test("a refund that failed takes back the refund of the same transaction", () => {
  expect(facts("upsell-refunded", { payment_status: "failed_refunded" })).toMatchObject([
    { kind: "refund_reversed", transactionId: "f25d77e1039cb04a", reverses: "f25d77e1039cb04a" },
  ]);
});

test("a payment lost to the bank carries the amount that was lost", () => {
  const lost = { event_type: "payment.failed", payment_status: "failed_as_chargeback" };
  expect(facts(renewal, lost)).toMatchObject([{ kind: "dispute_lost", amount: eur(2380n), rate: 2 }]);
  expect(
    parse(
      changed(renewal, {
        ...lost,
        transaction_amount: null,
        line_item_amount: null,
        transaction_amount_per_product: null,
      }),
    ),
  ).toMatchObject({ ok: false, code: "unreadable_amount" });
});

test("a verdict that changes back and forth is a fact each time", () => {
  const times = ["2026-04-21T08:00:03+02:00", "2026-05-21T08:00:03+02:00", "2026-06-21T08:00:03+02:00"];
  const identities = times.flatMap((time, n) =>
    facts("instalment-charged-back", {
      transaction_processed_at: time,
      payment_status: n === 1 ? "chargeback_failed" : "chargeback_succeeded",
    }).map((fact) => fact.identity),
  );
  expect(new Set(identities).size).toBe(3);
});

test.each([
  ["2026-07-15", { day: "2026-07-15" }, "2026-07-15"],
  ["2026-07-15T10:00:00", { at: at("2026-07-15T08:00:00Z") }, "2026-07-15T08%3A00%3A00.000Z"],
])("a cancellation for %s is taken as it is meant", (is_cancelled_for, until, text) => {
  expect(facts("subscription-cancelled", { is_cancelled_for })).toMatchObject([
    { kind: "cancelled", for: until, identity: `cancelled:Hc5LzP1u:c35a7710:${text}:vendor` },
  ]);
});

test("a cancellation without a day ends with the payment that will not come, never today", () => {
  const next = facts("subscription-cancelled", { is_cancelled_for: null, next_payment_at: "2026-08-15" });
  expect(next).toMatchObject([{ kind: "cancelled", for: { day: "2026-08-15" } }]);
  const [none] = facts("subscription-cancelled", { is_cancelled_for: null });
  expect(none).toMatchObject({ kind: "cancelled", identity: "cancelled:Hc5LzP1u:c35a7710::vendor" });
  expect(none).not.toHaveProperty("for");
});

test("a cancellation whose day cannot be read waits", () => {
  expect(parse(changed("subscription-cancelled", { is_cancelled_for: "15.07.2026" }))).toMatchObject({
    ok: false,
    code: "unreadable_cancellation_date",
  });
});

test("a payment is booked even when the cancellation it mentions cannot be read", () => {
  expect(facts(renewal, { is_cancelled_for: "15.07.2026" }).map((fact) => fact.kind)).toEqual(["payment"]);
});

test("a cancellation has a time only where the message gives one", () => {
  const [without] = facts("subscription-cancelled", {});
  expect(without).not.toHaveProperty("happenedAt");
  expect(facts("subscription-cancelled", { transaction_processed_at: "2026-06-20T12:00:00+02:00" })).toMatchObject([
    { happenedAt: at("2026-06-20T10:00:00Z") },
  ]);
});

test("a cancellation mentioned by another event is the one the buyer's own cancellation would be", () => {
  const own = facts("subscription-cancelled", { cancelation_reason: undefined });
  for (const [name, changes] of [
    ["subscription-failed-after-cancellation", {}],
    ["subscription-refunded", {}],
    ["subscription-renewal", { is_cancelled_for: "2026-07-15" }],
    ["subscription-upcoming", { is_cancelled_for: "2026-07-15" }],
  ] as const) {
    expect(facts(name, changes).filter((fact) => fact.kind === "cancelled")).toEqual(own);
  }
});

test("which of two messages comes first does not decide whether the vendor chose the day", () => {
  const [vendor] = facts("subscription-cancelled", {});
  const mentioned = facts("subscription-refunded", {}).find((fact) => fact.kind === "cancelled");
  expect(vendor).toMatchObject({ chosenByVendor: true });
  expect(mentioned).toMatchObject({ chosenByVendor: false });
  expect(vendor?.identity).not.toBe(mentioned?.identity);
});

test.each([undefined, null, "", "soon"])("a trial whose end is %j waits", (next_payment_at) => {
  expect(parse(changed("subscription-trial", { next_payment_at }))).toMatchObject({
    ok: false,
    code: "unreadable_trial_end",
  });
});

test.each([
  [{ transaction_processed_at: "2026-03-04T10:00:00" }, "2026-03-04T09:00:00Z"],
  [{ transaction_processed_at: null }, "2026-03-03T17:22:41Z"],
  [{ transaction_processed_at: "yesterday" }, "2026-03-03T17:22:41Z"],
  [{ transaction_processed_at: null, transaction_date: "2026-07-03 18:00:00" }, "2026-07-03T16:00:00Z"],
])("%j happened at %s", (changes, time) => {
  expect(facts(made, changes)[0]?.happenedAt).toBe(at(time));
});

test("without a time of the transaction there is none, whatever the unreliable order time says", () => {
  const times = { transaction_processed_at: null, transaction_date: null, order_time: "2026-03-03T18:22:00.000+00:00" };
  expect(facts(made, times)[0]).not.toHaveProperty("happenedAt");
});

test.each([
  ["one_time_payment", { kind: "once" }],
  ["abonnement", { kind: "subscription" }],
  ["abonement", { kind: "subscription" }],
  ["abo", { kind: "subscription" }],
  ["subscription", { kind: "subscription" }],
  ["breakdown_payment", { kind: "instalments" }],
  ["installment", { kind: "instalments" }],
  ["instalment", { kind: "instalments" }],
  ["lease", undefined],
  [null, undefined],
])("the plan %s is %j", (payment_plan, plan) => {
  expect(facts(made, { payment_plan })[0]?.plan).toEqual(plan && { ...plan });
});

test.each([
  ["daily", "day", 1],
  ["weekly", "week", 1],
  ["biweekly", "week", 2],
  ["monthly", "month", 1],
  ["quarterly", "month", 3],
  ["half_yearly", "month", 6],
  ["yearly", "year", 1],
])("%s is every %s, times %i", (frequency, unit, count) => {
  expect(facts(renewal, { frequency })[0]?.plan).toEqual({ kind: "subscription", interval: { unit, count } });
});

test.each([
  [{ first_payment: "57.0" }, 77100n],
  [{ total_number_of_payments: 1, next_payments: null }, 35700n],
  [{ total_number_of_payments: "3" }, 107100n],
  [{ next_payments: null }, undefined],
  [{ first_payment: "free" }, undefined],
  [{ total_number_of_payments: null }, undefined],
  [{ total_number_of_payments: 0 }, undefined],
  [{ total_number_of_payments: 999_999_999, next_payments: "999999999999999.0" }, undefined],
])("an instalment plan with %j agrees on a sum of %s", (changes, minor) => {
  const plan = facts("instalment-1-of-3", changes)[0]?.plan;
  expect(plan?.kind).toBe("instalments");
  expect(plan?.kind === "instalments" ? plan.agreed?.minor : "no plan").toBe(minor);
});

test.each([
  [{ quantity: 0 }, { quantity: 0 }],
  [{ quantity: "7" }, { quantity: 7 }],
  [{ rate_number: "12" }, { rate: 12 }],
])("%j is read as %j", (changes, fact) => {
  expect(facts(made, changes)[0]).toMatchObject(fact);
});

test.each([-1, 1.5, "many", null, 1e20])("%j is neither a quantity nor a rate", (value) => {
  const [fact] = facts(made, { quantity: value, rate_number: value });
  expect(fact).not.toHaveProperty("quantity");
  expect(fact).not.toHaveProperty("rate");
});

test.each([
  [{ test_payment: true }, "test"],
  [{ test_payment: "true" }, "test"],
  [{ payment_method: "test" }, "test"],
  [{ payment_status: "test_paid" }, "test"],
  [{ test_payment: false }, "live"],
  [{ test_payment: "false" }, "live"],
  [{ test_payment: undefined }, "live"],
])("%j is a %s payment", (changes, mode) => {
  expect(parse(changed(made, changes))).toMatchObject({ reading: { mode } });
});

test("a recurring event tells its mode only when it is a test", () => {
  const parsed = parse(changed("subscription-cancelled", {}));
  expect(parsed.ok && parsed.reading).not.toHaveProperty("mode");
  expect(parse(changed("subscription-cancelled", { payment_method: "test" }))).toMatchObject({
    reading: { mode: "test" },
  });
});

test.each([
  [{ buyer_email: "  Kim@Example.com " }, { email: "Kim@Example.com" }],
  [{ buyer_country_code: "at" }, { country: "AT" }],
  [{ buyer_country_code: undefined, buyer_country: "Österreich" }, { country: "AT" }],
  [{ buyer_country_code: "", buyer_country: "Schweiz" }, { country: "CH" }],
  [{ buyer_country_code: null, buyer_country: "Deutschland" }, { country: "DE" }],
  [{ buyer_company_name: "Gärten & Co" }, { company: "Gärten & Co" }],
  [{ metadata: 48213 }, { reference: "48213" }],
  [{ buyer_firstname: "Ma\u0000ra\uD800" }, { firstName: "Ma\uFFFDra\uFFFD" }],
])("%j is a buyer with %j", (changes, said) => {
  expect(buyer(changes)).toMatchObject(said);
});

test("what a buyer did not say is absent", () => {
  const empty = {
    buyer_company_name: "",
    buyer_firstname: null,
    buyer_lastname: " ",
    metadata: "",
    buyer_country_code: null,
  };
  expect(buyer({ ...empty, buyer_country: "Indien" })).toEqual({ email: "mara.lindner@example.de" });
});

test("a redacted message is read without its buyer, and only a redacted one", () => {
  expect(buyer({ buyer_email: null, redacted: true })?.email).toBe("");
  for (const changes of [
    { buyer_email: null },
    { buyer_email: null, redacted: "true" },
    { buyer_email: undefined, redacted: true },
  ]) {
    expect(parse(changed(made, changes))).toMatchObject({ ok: false, code: "unreadable_buyer_email" });
  }
});

test.each(["event_type", "order_id", "product_id", "buyer_email", "transaction_id"])(
  "without %s nothing is read",
  (name) => {
    for (const value of [undefined, null, "", {}, [], true]) {
      expect(parse(changed(made, { [name]: value }))).toMatchObject({ ok: false, code: `unreadable_${name}` });
    }
  },
);

test.each([
  ["a text with NUL", "A\u0000B"],
  ["half a surrogate pair", "A\uD800"],
  ["more than 255 characters", "A".repeat(256)],
  ["a number that is no longer exact", 2 ** 53],
  ["a fraction", 1.5],
])("an id that is %s is refused instead of changed", (_, value) => {
  for (const name of ["order_id", "product_id", "transaction_id"]) {
    expect(parse(changed(made, { [name]: value }))).toMatchObject({ ok: false, code: `unreadable_${name}` });
  }
});

test("a number is an id while it is exact, and ids keep their spaces and case", () => {
  const ids = { order_id: 58924473, product_id: " 00aB ", transaction_amount_per_product: null };
  expect(parse(changed(made, ids))).toMatchObject({
    reading: { orderId: "58924473", facts: [{ productId: " 00aB " }] },
  });
});

test("ids with separators in them never share an identity", () => {
  const one = facts(made, { transaction_id: "a:b", order_id: "c", transaction_amount_per_product: null });
  const two = facts(made, { transaction_id: "a", order_id: "b:c", transaction_amount_per_product: null });
  const three = facts(made, { transaction_id: "a%3Ab", order_id: "c", transaction_amount_per_product: null });
  expect(new Set([...one, ...two, ...three].map((fact) => fact.identity)).size).toBe(3);
});

test.each([
  [{ transaction_currency: undefined }, "unreadable_currency"],
  [{ transaction_currency: "Euro" }, "unreadable_currency"],
  [{ transaction_currency: "ABC" }, "unreadable_currency"],
  [{ transaction_amount: "119,00" }, "unreadable_amount"],
  [{ transaction_amount: "1.190,00" }, "unreadable_amount"],
  [{ line_item_amount: {} }, "unreadable_amount"],
  [{ transaction_amount: null, line_item_amount: null, transaction_amount_per_product: [] }, "unreadable_amount"],
  [{ transaction_amount_per_product: [{ amount: "much", slug: "4be81c07" }] }, "unreadable_amount"],
])("a payment with %j waits", (changes, code) => {
  expect(parse(changed(made, changes))).toMatchObject({ ok: false, code });
});

test("a pending notice and a dispute need no amount, but one they carry has to be readable", () => {
  const none = { transaction_amount: null, line_item_amount: null, transaction_amount_per_product: null };
  for (const name of ["invoice-payment-pending", "instalment-charged-back"]) {
    expect(facts(name, { ...none, transaction_currency: null })[0]).not.toHaveProperty("amount");
    expect(parse(changed(name, { transaction_currency: null }))).toMatchObject({ code: "unreadable_currency" });
    expect(parse(changed(name, { transaction_amount: "1,0" }))).toMatchObject({ code: "unreadable_amount" });
  }
});

test.each([
  ["unreadable_encoding", new Uint8Array([0x7b, 0xff, 0x7d])],
  ["unreadable_json", bytes("")],
  ["unreadable_json", bytes("event_type=payment.made")],
  ["unreadable_shape", bytes("[]")],
  ["unreadable_shape", bytes("null")],
  ["unreadable_shape", bytes('"payment.made"')],
])("a body that is no message is %s", (code, body) => {
  expect(parse(body)).toMatchObject({ ok: false, code });
});
