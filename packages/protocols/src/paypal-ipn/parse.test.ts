import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Fact, wholeOrder } from "../domain/fact.ts";
import { bytes, changed, vector, vectors } from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";

const eur = (minor: bigint) => ({ minor, currency: "EUR" });

function reading(name: string, changes: Record<string, string | null> = {}) {
  const parsed = parse(Object.keys(changes).length === 0 ? bytes(vector(name).body) : changed(name, changes));
  if (!parsed.ok) throw new Error(parsed.code);
  return parsed.reading;
}

const code = (name: string, changes: Record<string, string | null>) => {
  const parsed = parse(changed(name, changes));
  return parsed.ok ? "ok" : parsed.code;
};

const names = ({ orderId, aliases = [] }: { orderId?: string; aliases?: readonly string[] }) => [
  ...(orderId === undefined ? [] : [orderId]),
  ...aliases,
];

test("a sale is a payment of its product, and names its order by PayPal's own transaction", () => {
  expect(reading("web-accept-completed-utf8")).toEqual({
    event: "web_accept Completed",
    mode: "test",
    orderId: "61E67681CH3238416",
    buyer: { email: "kaeufer@example.com", firstName: "Jörg", lastName: "Müller", country: "DE", reference: "u:42" },
    facts: [
      {
        kind: "payment",
        identity: "payment:61E67681CH3238416:600100",
        transactionId: "61E67681CH3238416",
        amount: eur(11900n),
        productId: "600100",
        productName: "Grundkurs Töpfern",
        quantity: 1,
        plan: { kind: "once" },
        happenedAt: Date.parse("2026-03-02T17:15:30Z"),
      },
    ],
  });
});

test("names in the account's charset are read in it", () => {
  const { buyer, facts } = reading("web-accept-windows-1252");
  expect(buyer).toMatchObject({ firstName: "Jörg", lastName: "Müller" });
  expect(facts[0]).toMatchObject({ productName: "Grundkurs Töpfern €" });
});

test("a message without the test's mark is live", () => {
  expect(reading("web-accept-completed-utf8", { test_ipn: null }).mode).toBe("live");
});

test("a cart is one payment of each product", () => {
  expect(reading("cart-two-items").facts).toMatchObject([
    { kind: "payment", productId: "600100", productName: "Grundkurs", amount: eur(11900n), quantity: 1 },
    { kind: "payment", productId: "600101", productName: "Glasurrezepte", amount: eur(2900n), quantity: 1 },
  ]);
});

test("shipping on a cart is shared, so that the order's balance is what was paid", () => {
  const { facts } = reading("cart-two-items", { mc_gross: "155.00" });
  const amounts = facts.map((fact) => (fact.kind === "payment" ? fact.amount.minor : 0n));
  expect(amounts.reduce((sum, minor) => sum + minor, 0n)).toBe(15500n);
  expect(amounts.every((minor) => minor > 2900n)).toBe(true);
});

test("an express checkout with numbered products and no amounts names them all the same", () => {
  const { facts } = reading("cart-two-items", { txn_type: "express_checkout", mc_gross_1: null, mc_gross_2: null });
  expect(facts).toMatchObject([
    { productId: "600100", amount: eur(7400n) },
    { productId: "600101", amount: eur(7400n) },
  ]);
});

test.each([
  [{ item_number: "" }, "Grundkurs Töpfern"],
  [{ item_number: null, item_name: null, txn_type: "send_money" }, "send_money"],
  [{ item_number: null, item_name: null, txn_type: null }, "payment"],
])("a payment with %j is of the product %s", (changes, productId) => {
  expect(reading("web-accept-completed-utf8", changes).facts).toMatchObject([{ kind: "payment", productId }]);
});

test("pending and completed are two facts of one transaction and one order", () => {
  const pending = reading("pending-echeck");
  const completed = reading("pending-echeck", { payment_status: "Completed", pending_reason: null });
  expect(pending.facts).toMatchObject([
    { kind: "payment_pending", transactionId: "61E67681CH3238499", amount: eur(11900n) },
  ]);
  expect(completed.facts).toMatchObject([{ kind: "payment", transactionId: "61E67681CH3238499" }]);
  expect(pending.orderId).toBe(completed.orderId);
  expect(pending.facts[0]?.identity).not.toBe(completed.facts[0]?.identity);
});

test.each([
  ["Processed", "payment_pending"],
  ["Created", "payment_pending"],
  ["Denied", "payment_failed"],
  ["Failed", "payment_failed"],
  ["Expired", "payment_failed"],
  ["Voided", "payment_failed"],
])("a payment that is %s is %s and opens nothing yet", (payment_status, kind) => {
  expect(reading("web-accept-completed-utf8", { payment_status }).facts).toMatchObject([{ kind }]);
});

test("a status nobody knows says nothing, and is no error", () => {
  expect(reading("web-accept-completed-utf8", { payment_status: "Dancing" }).facts).toEqual([]);
});

test.each(["masspay", "payout", "mp_signup", "mp_cancel"])(
  "%s says nothing of an order, even if it is Completed",
  (txn_type) => {
    expect(reading("web-accept-completed-utf8", { txn_type }).facts).toEqual([]);
  },
);

test("money the seller paid to somebody is no payment to him", () => {
  expect(reading("web-accept-completed-utf8", { txn_type: "send_money", mc_gross: "-20.00" }).facts).toEqual([]);
});

test("a payment under a billing agreement says nothing of a plan", () => {
  expect(reading("web-accept-completed-utf8", { txn_type: "merch_pmt" }).facts[0]).not.toHaveProperty("plan");
});

test("a capture meets its authorisation, whichever comes first", () => {
  const authorised = reading("pending-echeck", { pending_reason: "authorization", txn_id: "AUTH1" });
  const captured = reading("web-accept-completed-utf8", { parent_txn_id: "AUTH1", txn_id: "CAPTURE1" });
  const refunded = reading("refund-without-txn-type", { parent_txn_id: "CAPTURE1" });
  expect(authorised.orderId).toBe("AUTH1");
  expect(names(captured)).toEqual(["AUTH1", "CAPTURE1"]);
  expect(names(refunded)).toContain("CAPTURE1");
});

test.each([
  ["refund-without-txn-type", 11900n],
  ["partial-refund-with-original-txn-type", 1900n],
])("%s is a refund of the payment it names, whatever txn_type says, and opens no order", (name, minor) => {
  const said = reading(name);
  expect(said.orderId).toBeUndefined();
  expect(said.buyer).toBeUndefined();
  expect(said.aliases).toContain("61E67681CH3238416");
  expect(said.facts).toMatchObject([
    { kind: "refund", refunds: "61E67681CH3238416", amount: eur(minor), productId: wholeOrder },
  ]);
});

test("two part refunds of one payment are two facts", () => {
  const [one, other] = ["refund-without-txn-type", "partial-refund-with-original-txn-type"].map(
    (name) => reading(name).facts[0],
  );
  expect(one?.identity).not.toBe(other?.identity);
});

test("a refund of a subscription's payment finds it by the payment and by the subscription", () => {
  const said = reading("refund-without-txn-type", { txn_type: "subscr_payment", subscr_id: "I-TESTSUB00001" });
  expect(said.facts).toMatchObject([{ kind: "refund" }]);
  expect(said.aliases).toEqual(expect.arrayContaining(["61E67681CH3238416", "I-TESTSUB00001"]));
});

test("a reversal and its cancellation are one dispute of the payment", () => {
  const opened = reading("chargeback-reversed");
  const won = reading("canceled-reversal");
  expect(opened.facts).toMatchObject([
    { kind: "dispute_opened", transactionId: "61E67681CH3238416", amount: eur(11900n) },
  ]);
  expect(won.facts).toMatchObject([{ kind: "dispute_won", transactionId: "61E67681CH3238416", amount: eur(11900n) }]);
});

test("a cancellation that names the reversal instead of the payment finds the order by it", () => {
  const won = reading("canceled-reversal", { parent_txn_id: "8RV00001AB234567C" });
  expect(reading("chargeback-reversed").aliases).toEqual(
    expect.arrayContaining(["8RV00001AB234567C", "61E67681CH3238416"]),
  );
  expect(won.aliases).toContain("8RV00001AB234567C");
});

test.each([
  ["-119.00", "dispute_lost"],
  ["119.00", "dispute_won"],
])("an adjustment of %s settles the dispute: %s", (mc_gross, kind) => {
  const said = reading("chargeback-reversed", { txn_type: "adjustment", payment_status: "Completed", mc_gross });
  expect(said.facts).toMatchObject([{ kind, transactionId: "61E67681CH3238416", amount: eur(11900n) }]);
});

test("a chargeback's case suspends, a complaint alone does not", () => {
  const changes = {
    txn_type: "new_case",
    payment_status: null,
    parent_txn_id: null,
    txn_id: "61E67681CH3238416",
    mc_gross: null,
  };
  expect(reading("chargeback-reversed", changes).facts).toMatchObject([
    { kind: "dispute_opened", transactionId: "61E67681CH3238416" },
  ]);
  expect(reading("chargeback-reversed", { ...changes, case_type: "complaint" }).facts).toEqual([]);
});

test("signing up moves no money: the first payment is pending, and what was agreed is known", () => {
  const said = reading("subscr-signup");
  expect(said).toMatchObject({ orderId: "I-TESTSUB00001", buyer: { email: "abo@example.com" } });
  expect(said.facts).toMatchObject([
    {
      kind: "payment_pending",
      rate: 1,
      amount: eur(2900n),
      productId: "600200",
      plan: { kind: "subscription", interval: { unit: "month", count: 1 } },
    },
  ]);
});

test("a free trial reaches over its free periods, by PayPal's calendar", () => {
  const trial = { period1: "14 D", mc_amount1: "0.00", period2: "1 M", mc_amount2: "0.00" };
  expect(reading("subscr-signup", trial).facts).toMatchObject([
    { kind: "trial", to: { at: Date.parse("2026-04-16T16:20:00Z") }, plan: { kind: "subscription" } },
  ]);
});

test("a cheaper first period that is paid for is no trial", () => {
  const said = reading("subscr-signup", { period1: "1 M", mc_amount1: "1.00" });
  expect(said.facts).toMatchObject([{ kind: "payment_pending", amount: eur(100n) }]);
});

test("after a free period the cheaper second one is the first payment's", () => {
  const said = reading("subscr-signup", { period1: "7 D", mc_amount1: "0.00", period2: "1 M", mc_amount2: "5.00" });
  expect(said.facts).toMatchObject([{ kind: "trial", to: { at: Date.parse("2026-03-09T16:20:00Z") } }]);
});

test("a paid first period longer than the regular one locks nobody out in its middle", () => {
  const said = reading("subscr-signup", { period1: "3 M", mc_amount1: "1.00" });
  expect(said.facts).toMatchObject([{ kind: "trial", to: { at: Date.parse("2026-06-02T16:20:00Z") } }]);
});

test("a trial whose beginning cannot be read waits for the operator", () => {
  expect(code("subscr-signup", { period1: "7 D", mc_amount1: "0.00", subscr_date: "soon" })).toBe(
    "unreadable_trial_end",
  );
});

test("so many regular payments are instalments, those before them counted in", () => {
  expect(reading("subscr-signup", { recur_times: "6" }).facts).toMatchObject([
    { plan: { kind: "instalments", total: 6, agreed: eur(17400n), interval: { unit: "month", count: 1 } } },
  ]);
  expect(reading("subscr-signup", { recur_times: "6", period1: "1 M", mc_amount1: "1.00" }).facts).toMatchObject([
    { plan: { kind: "instalments", total: 7, agreed: eur(17500n) } },
  ]);
});

test("a subscription that does not recur is no instalment plan", () => {
  expect(reading("subscr-signup", { recurring: "0", recur_times: "6" }).facts).toMatchObject([
    { plan: { kind: "subscription" } },
  ]);
});

test("a subscription's payment belongs to the order its signup opened, whichever comes first", () => {
  const said = reading("subscr-payment");
  expect(said.orderId).toBe(reading("subscr-signup").orderId);
  expect(said.aliases).toEqual(["7AB12345CD678901E"]);
  expect(said.facts).toMatchObject([
    {
      kind: "payment",
      transactionId: "7AB12345CD678901E",
      amount: eur(2900n),
      productId: "600200",
      plan: { kind: "subscription" },
    },
  ]);
});

test("a profile's payment tells when the next one is due and how often", () => {
  const said = reading("recurring-payment");
  expect(said.orderId).toBe("I-TESTREC00001");
  expect(said.facts).toMatchObject([
    {
      kind: "payment",
      productId: "Mitgliedschaft",
      next: { at: Date.parse("2026-04-02T09:00:00Z") },
      plan: { kind: "subscription", interval: { unit: "month", count: 1 } },
    },
  ]);
  expect(reading("recurring-payment", { next_payment_date: "N/A" }).facts[0]).not.toHaveProperty("next");
});

test("a payment of a profile without its status is not taken for money", () => {
  expect(code("recurring-payment", { payment_status: null })).toBe("unreadable_payment_status");
});

test("a pending payment of a subscription is pending", () => {
  expect(reading("subscr-payment", { payment_status: "Pending" }).facts).toMatchObject([{ kind: "payment_pending" }]);
});

const profile = { txn_type: "recurring_payment_profile_created", txn_id: null, payment_status: null, mc_gross: null };

test("a new profile says nothing by itself, and its paid set-up fee is a payment", () => {
  expect(reading("recurring-payment", profile).facts).toEqual([]);
  const fee = { initial_payment_amount: "10.00", initial_payment_txn_id: "FEE1" };
  const paid = reading("recurring-payment", { ...profile, ...fee, initial_payment_status: "Completed" });
  expect(paid).toMatchObject({ orderId: "I-TESTREC00001", aliases: ["FEE1"] });
  expect(paid.facts).toMatchObject([{ kind: "payment", transactionId: "FEE1", amount: eur(1000n) }]);
  const failed = reading("recurring-payment", { ...profile, ...fee, initial_payment_status: "Failed" });
  expect(failed.facts).toMatchObject([{ kind: "payment_failed" }]);
});

test("a new profile with a free trial is open until its first payment", () => {
  const said = reading("recurring-payment", { ...profile, period_type: " Trial", amount_per_cycle: "0.00" });
  expect(said.facts).toMatchObject([{ kind: "trial", to: { at: Date.parse("2026-04-02T09:00:00Z") } }]);
});

test.each([
  "subscr_cancel",
  "subscr_eot",
  "recurring_payment_profile_cancel",
  "recurring_payment_expired",
  "recurring_payment_suspended",
  "recurring_payment_suspended_due_to_max_failed_payment",
])("%s stops what is to be paid and names no day, and waits for the order it belongs to", (txn_type) => {
  const said = reading("subscr-cancel", { txn_type });
  expect(said).not.toHaveProperty("buyer");
  expect(names(said)).toEqual(["I-TESTSUB00001"]);
  expect(said.facts).toMatchObject([{ kind: "cancelled", chosenByVendor: false, productId: wholeOrder }]);
  expect(said.facts[0]).not.toHaveProperty("for");
});

test("a cancellation happened on its own day", () => {
  expect(reading("subscr-cancel").facts[0]?.happenedAt).toBe(Date.parse("2026-04-20T10:11:22Z"));
  expect(reading("subscr-eot").facts[0]).not.toHaveProperty("happenedAt");
});

test.each([
  "subscr_failed",
  "recurring_payment_failed",
  "recurring_payment_skipped",
  "recurring_payment_outstanding_payment_failed",
])("%s is a failed payment, and the next failure is another", (txn_type) => {
  const said = reading("recurring-failed", { txn_type });
  expect(said.facts).toMatchObject([{ kind: "payment_failed", productId: wholeOrder }]);
  const later = reading("recurring-failed", { txn_type, next_payment_date: "02:00:00 Apr 12, 2026 PDT" });
  expect(later.facts[0]?.identity).not.toBe(said.facts[0]?.identity);
});

test.each(["subscr_modify", "recurring_payment_dances"])("%s says nothing", (txn_type) => {
  expect(reading("subscr-cancel", { txn_type }).facts).toEqual([]);
});

test.each([
  ["web-accept-completed-utf8", { txn_id: null, parent_txn_id: "P" }, "unreadable_txn_id"],
  ["web-accept-completed-utf8", { mc_gross: "119,00" }, "unreadable_amount"],
  ["web-accept-completed-utf8", { mc_currency: "ABC" }, "unreadable_amount"],
  ["web-accept-completed-utf8", { payer_email: null }, "unreadable_payer_email"],
  ["web-accept-completed-utf8", { charset: "x-klingon" }, "unreadable_charset"],
  ["refund-without-txn-type", { mc_gross: null }, "unreadable_amount"],
  ["subscr-payment", { subscr_id: null }, "unreadable_subscription"],
])("%s with %j waits for the operator: %s", (name, changes, expected) => {
  expect(code(name, changes)).toBe(expected);
});

test("the invoice, which the buyer can edit, names no order", () => {
  expect(names(reading("web-accept-completed-utf8"))).toEqual(["61E67681CH3238416"]);
});

test("every vector is read, and its facts have identities of their own", () => {
  const facts = vectors.flatMap(({ name }): readonly Fact[] => reading(name).facts);
  expect(new Set(facts.map(({ identity }) => identity)).size).toBe(facts.length);
});

test("never throws, whatever the bytes and fields are", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("1 M", "0.00", "-1.00", "Completed", "N/A", "999"),
  );
  fc.assert(fc.property(fc.uint8Array(), (body) => void parse(body)));
  fc.assert(
    fc.property(fc.constantFrom(...vectors), fc.array(fc.tuple(fc.nat(), text)), ({ name, body }, changes) => {
      const fields = [...new URLSearchParams(body).keys(), "period1", "recur_times", "mc_amount1", "item_number3"];
      const altered = Object.fromEntries(changes.map(([at, value]) => [fields[at % fields.length] ?? "", value]));
      const parsed = parse(changed(name, altered));
      if (!parsed.ok) return;
      // What PostgreSQL's text cannot hold, and what no index can.
      for (const { identity } of parsed.reading.facts) expect(identity).toMatch(/^[^\0\p{Cs}]{1,2000}$/su);
    }),
  );
});
